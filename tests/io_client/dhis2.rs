//! DHIS2: the addresses that are asked, and answers that need more than parsing.

use onse::io::{
    dhis2::{CategoryCombo, Denied, Dhis2, Elements, URL_LIMIT, Wanted, batches, denied},
    http::{Side, Why},
};
use serde_json::json;

use crate::fake::{Play, client};

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

fn dhis2(script: Vec<Play>) -> (Dhis2, std::sync::Arc<crate::fake::Seen>) {
    let (client, seen) = client(Side::Dhis2, script);
    (Dhis2::new(client), seen)
}

#[tokio::test]
async fn values_are_asked_with_repeated_parameters_and_a_known_length() {
    let (server, seen) = dhis2(vec![Play::ok("{}")]);
    let (units, sets, periods) = (ids(&["ou000000001", "ou000000002"]), ids(&["ds1", "ds2"]), ids(&["2026Q2"]));
    let wanted = Wanted::all(&sets, &periods);
    let values = server.data_values(&units, &wanted).await.unwrap();
    assert_eq!((values.rows().len(), values.foreign), (0, 0));
    let uri = &seen.uris()[0];
    assert_eq!(
        uri,
        "https://dhis2.example/dhis/api/dataValueSets?dataSet=ds1&dataSet=ds2&period=2026Q2&includeDeleted=true&orgUnit=ou000000001&orgUnit=ou000000002"
    );
    let line = format!("POST {uri} HTTP/1.1\r\n");
    assert_eq!(server.fixed_len(&wanted) + 2 * 20, line.len());
}

#[tokio::test]
async fn a_full_batch_stays_within_the_line_and_holds_hundreds() {
    let units: Vec<String> = (0..1106).map(|n| format!("A{n:010}")).collect();
    let (sets, periods) = ((0..9).map(|n| format!("D{n:010}")).collect::<Vec<_>>(), ids(&["2026Q2"]));
    let (server, seen) = dhis2((0..9).map(|_| Play::ok("{}")).collect());
    let runs = batches(&units, server.fixed_len(&Wanted::all(&sets, &periods)), URL_LIMIT);
    assert!(runs.len() <= 4 && runs[0].len() > 300, "{}", runs[0].len());
    for run in runs {
        server.data_values(run, &Wanted::all(&sets, &periods)).await.unwrap();
    }
    assert!(seen.uris().iter().all(|uri| uri.len() < URL_LIMIT));
}

#[tokio::test]
async fn d03_a_refused_unit_is_named_even_in_a_long_list() {
    let units: Vec<String> = (0..300).map(|n| format!("A{n:010}")).collect();
    let message = format!("User is not allowed to view org unit(s): `[{}]`", units.join(", "));
    let body = json!({"httpStatus": "Conflict", "httpStatusCode": 409, "status": "ERROR", "message": message, "errorCode": "E2012"});
    let (server, seen) = dhis2(vec![Play::json(409, &body.to_string())]);
    let failure = server.data_values(&units, &Wanted::all(&ids(&["ds"]), &ids(&["2026Q2"]))).await.unwrap_err();
    assert_eq!(denied(&failure), Some(Denied::OrgUnits(units)));
    assert_eq!(seen.count(), 1);
    assert!(failure.to_string().chars().count() < 700, "{failure}");
}

#[tokio::test]
async fn d12_an_answer_that_is_not_an_object_is_never_no_data() {
    for body in ["null", "[]", "7"] {
        let (server, _) = dhis2(vec![Play::ok(body)]);
        let failure =
            server.data_values(&ids(&["ou"]), &Wanted::all(&ids(&["ds"]), &ids(&["2026Q2"]))).await.unwrap_err();
        assert!(matches!(*failure.why, Why::NotJson { .. }), "{body}: {failure:?}");
    }
}

#[tokio::test]
async fn d14_a_row_of_no_period_is_an_error_that_says_so() {
    let body =
        r#"{"dataValues":[{"dataElement":"de","orgUnit":"ou","categoryOptionCombo":"c","attributeOptionCombo":"a"}]}"#;
    let (server, _) = dhis2(vec![Play::ok(body)]);
    let told = server
        .data_values(&ids(&["ou"]), &Wanted::all(&ids(&["ds"]), &ids(&["2026Q2"])))
        .await
        .unwrap_err()
        .to_string();
    assert!(told.contains("row 1") && told.contains("period") && told.contains("version"), "{told}");
}

#[tokio::test]
async fn metadata_is_asked_by_id_and_comes_in_the_order_asked() {
    let body = r#"{"dataElements":[
        {"id":"bbb","name":"B","valueType":"INTEGER","aggregationType":"SUM","domainType":"AGGREGATE","zeroIsSignificant":true,
         "categoryCombo":{"id":"cc","name":"Sex","skipTotal":true},
         "dataSetElements":[{"dataSet":{"id":"ds","name":"Staff","periodType":"Quarterly"}},{}]},
        {"id":"aaa","name":null,"zeroIsSignificant":null,"dataSetElements":null,"categoryCombo":null}]}"#;
    let (server, seen) = dhis2(vec![Play::ok(body)]);
    let elements = server.data_elements(&ids(&["aaa", "bbb", "ccc", "aaa"])).await.unwrap();
    assert_eq!(elements.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["aaa", "bbb"]);
    let (first, second) = (&elements[0], &elements[1]);
    assert_eq!((first.name.as_str(), first.zero_is_significant, first.data_sets.len()), ("", None, 0));
    assert_eq!(second.data_sets[0].period_type.as_deref(), Some("Quarterly"));
    assert!(second.category_combo.as_ref().unwrap().skip_total && second.data_sets.len() == 1);
    let uri = &seen.uris()[0];
    assert!(uri.contains("paging=false") && uri.contains("&filter=id%3Ain%3A%5Baaa%2Cbbb%2Cccc%5D"), "{uri}");
    assert!(!uri.contains(['[', ']', '{', '|']), "{uri}");
}

#[tokio::test]
async fn the_options_of_a_data_element_are_its_own_and_those_of_each_data_set() {
    let body = r#"{"dataElements":[
        {"id":"aaa","categoryCombo":{"id":"cc","categoryOptionCombos":[{"id":"m"},{"id":"f"}]},
         "dataSetElements":[{"dataSet":{"id":"d1"},"categoryCombo":{"id":"c2","categoryOptionCombos":[{"id":"x"}]}},
                            {"dataSet":{"id":"d2"},"categoryCombo":null},{"categoryCombo":{"id":"c3"}},{"dataSet":{"id":"d3"},"categoryCombo":{"id":"c3"}}]},
        {"id":"bbb","categoryCombo":{"id":"cc","categoryOptionCombos":null}}]}"#;
    let (server, seen) = dhis2(vec![Play::ok(body)]);
    let elements = server.data_elements(&ids(&["aaa", "bbb"])).await.unwrap();
    let options = |combo: &Option<CategoryCombo>| combo.as_ref().map(|combo| combo.options.clone());
    assert_eq!(options(&elements[0].category_combo), Some(Some(ids(&["m", "f"]))));
    let sets: Vec<_> =
        elements[0].data_sets.iter().map(|set| (set.id.as_str(), options(&set.category_combo))).collect();
    assert_eq!(sets, [("d1", Some(Some(ids(&["x"])))), ("d2", None), ("d3", Some(None))]);
    assert_eq!(options(&elements[1].category_combo), Some(None));
    // Of 21 elements in one request the line has room to spare.
    let fields = seen.uris()[0].split_once("&fields=").unwrap().1.split('&').next().unwrap().to_owned();
    assert_eq!(fields.matches("categoryOptionCombos%5Bid%5D").count(), 2, "{fields}");
    assert!(fields.len() + 21 * 14 < 700, "{}", fields.len());
}

#[tokio::test]
async fn metadata_goes_in_as_many_requests_as_needed() {
    let combos: Vec<String> = (0..1200).map(|n| format!("C{n:010}")).collect();
    let all: Vec<_> = combos.iter().map(|id| json!({"id": id, "name": id})).collect();
    let body = json!({ "categoryOptionCombos": all }).to_string();
    let (server, seen) = dhis2((0..9).map(|_| Play::ok(&body)).collect());
    let named = server.category_option_combos(&combos).await.unwrap();
    assert_eq!(named.len(), 1200);
    assert!((2..=3).contains(&seen.count()) && seen.uris().iter().all(|uri| uri.len() < URL_LIMIT));
}

#[tokio::test]
async fn ids_that_cannot_be_ids_are_not_asked_for() {
    let (server, seen) = dhis2(vec![Play::ok(r#"{"organisationUnits":[]}"#)]);
    assert_eq!(server.org_units(&ids(&["", "a,b", "x]&filter=", "a b"])).await.unwrap(), []);
    assert_eq!(seen.count(), 0);
    server.org_units(&ids(&["a,b", "good"])).await.unwrap();
    assert!(seen.uris()[0].contains("%5Bgood%5D"), "{}", seen.uris()[0]);
}

#[tokio::test]
async fn a_first_page_is_not_taken_for_all() {
    let body = r#"{"pager":{"page":1,"pageCount":21},"dataSets":[{"id":"aaa","name":"A"}]}"#;
    let (server, _) = dhis2(vec![Play::ok(body), Play::ok(body)]);
    let failure = server.data_sets(&ids(&["aaa", "bbb"])).await.unwrap_err();
    assert!(failure.to_string().contains("page 1 of 21"), "{failure}");
    assert_eq!(server.data_sets(&ids(&["aaa"])).await.unwrap().len(), 1);
}

/// A slow line brings small pieces for a long time; what is not asked for goes as it comes, so the memory in use does not grow.
#[test]
fn n14_memory_is_flat_however_much_comes_in() {
    let row = |element: &str| {
        format!(
            r#"{{"dataElement":"{element}","period":"2026Q2","orgUnit":"ou","categoryOptionCombo":"c","attributeOptionCombo":"a","value":"7"}}"#
        )
    };
    let piece = bytes::Bytes::from((row("other") + ",").repeat(64));
    let peak = |pieces: usize| {
        let mut body = vec![Ok(r#"{"dataValues":["#.into())];
        body.extend(std::iter::repeat_with(|| Ok(piece.clone())).take(pieces));
        body.push(Ok((row("de") + "]}").into()));
        let json = vec![("content-type", "application/json".to_owned())];
        let (server, _) = dhis2(vec![Play::Answer(200, json, body)]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut elements = Elements::default();
        elements.want("de");
        let wanted = Wanted { elements: elements.into(), ..Wanted::all(&ids(&["ds"]), &ids(&["2026Q2"])) };
        let mut rows = 0;
        let used = allocation_counter::measure(|| {
            rows = runtime.block_on(server.data_values(&ids(&["ou"]), &wanted)).unwrap().rows().len();
        });
        assert_eq!(rows, 1);
        used.bytes_max
    };
    let (little, much) = (peak(16), peak(4_000));
    assert!(piece.len() * 4_000 > 30_000_000, "{} bytes", piece.len());
    assert!(much <= little + (16 << 10) && much < 1 << 20, "{much} bytes for 30 MB, {little} for much less");
}
