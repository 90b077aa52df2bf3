//! Lists and single objects of metadata, with fields, filters and pages (dhis2.md sections 2 and 3).

use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    View,
    fields::Fields,
    filter::{Filter, sort},
    graph::Node,
    problem,
    selection::is_uid,
    version::Version,
};
use crate::sandbox::{answer, query::Query};

/// `GET /api/{resource}`.
pub(crate) fn list(view: &View<'_>, resource: &str, query: &Query) -> Response {
    let Some((_, mut nodes)) = Node::of_resource(view, resource) else { return unknown() };
    let filters: Result<Vec<Filter>, String> =
        query.all("filter").filter(|text| !text.is_empty()).map(Filter::new).collect();
    let filters = match filters {
        Ok(filters) => filters,
        Err(sentence) => return problem(StatusCode::BAD_REQUEST, &sentence, None),
    };
    if let Some(words) = query.one("query") {
        let search = Filter::new(&format!("identifiable:token:{words}"));
        nodes.retain(|&node| search.as_ref().is_ok_and(|search| search.holds(view, node)));
    }
    let any = query.one("rootJunction").is_some_and(|junction| junction.eq_ignore_ascii_case("or"));
    nodes.retain(|&node| {
        let mut met = filters.iter().map(|filter| filter.holds(view, node));
        filters.is_empty() || if any { met.any(|met| met) } else { met.all(|met| met) }
    });
    if let Some(order) = query.one("order") {
        sort(view, &mut nodes, order);
    }
    let mut body = Map::new();
    if query.one("paging") != Some("false") {
        let pager = page(&mut nodes, resource, query, view.origin);
        body.insert("pager".to_owned(), pager);
    }
    let fields = fields(query, "id,displayName");
    let objects = nodes.into_iter().map(|node| fields.render(view, node)).collect();
    body.insert(resource.to_owned(), objects);
    private(answer::json(StatusCode::OK, &Value::Object(body)))
}

/// `GET /api/{resource}/{id}`.
pub(crate) fn one(view: &View<'_>, resource: &str, id: &str, query: &Query) -> Response {
    let Some((kind, nodes)) = Node::of_resource(view, resource) else { return unknown() };
    // From 2.42 on the address of an object takes nothing but an id (dhis2.md section 2).
    if view.version >= Version::V42 && !is_uid(id) {
        return unknown();
    }
    let found = Node::of_id(view, id).filter(|node| nodes.contains(node));
    let Some(node) = found else {
        let message = format!("{} with id {id} could not be found.", kind.class());
        return problem(StatusCode::NOT_FOUND, &message, view.version.codes_missing_objects().then_some("E1005"));
    };
    private(answer::json(StatusCode::OK, &fields(query, ":all").render(view, node)))
}

fn fields(query: &Query, default: &str) -> Fields {
    let given: Vec<&str> = query.all("fields").filter(|text| !text.is_empty()).collect();
    if given.is_empty() { Fields::new(default) } else { Fields::new(&given.join(",")) }
}

/// Cuts the list down to the page asked for and describes it. Pages count from 1, 50 to a page.
fn page(nodes: &mut Vec<Node>, resource: &str, query: &Query, origin: &str) -> Value {
    let number = |name: &str, default: usize| {
        query.one(name).and_then(|text| text.parse().ok()).filter(|&number: &usize| number > 0).unwrap_or(default)
    };
    let (page, size, total) = (number("page", 1), number("pageSize", 50), nodes.len());
    let last = total.div_ceil(size).max(1);
    let mut pager = json!({ "page": page, "total": total, "pageSize": size, "pageCount": last });
    let link = |page: usize| {
        let rest = query.without(&["page", "pageSize"]).append_pair("page", &page.to_string()).finish();
        let size = if size == 50 { String::new() } else { format!("&pageSize={size}") };
        format!("{origin}/dhis2/api/{resource}?{rest}{size}")
    };
    if page < last {
        pager["nextPage"] = link(page + 1).into();
    }
    if page > 1 {
        pager["prevPage"] = link(page - 1).into();
    }
    let first = size.saturating_mul(page - 1).min(total);
    *nodes = nodes[first..first.saturating_add(size).min(total)].to_vec();
    pager
}

fn private(response: Response) -> Response {
    answer::with(response, "cache-control", "no-cache, private")
}

fn unknown() -> Response {
    answer::html(StatusCode::NOT_FOUND, "HTTP Status 404 - Not Found")
}
