//! How much memory a review of a very large country takes while it is loaded (fault matrix row F20). How long it takes is in
//! `benches/reviewing.rs`.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use onse::{
    domain::{
        plan::{Cell, Facility, Head, Plan, Property, State},
        quarter::Quarter,
    },
    io::store::{Store, Used},
    job::session::opened,
};

/// Properties, as the real mapping has.
const WIDTH: u16 = 21;

fn plan(height: u32, width: u16) -> Plan {
    let facility = |n: u32| Facility {
        case_id: format!("{n:032x}"),
        name: format!("Matope South Health Centre {n}"),
        external_id: format!("u{n:010}"),
        ..Facility::default()
    };
    let property = |n: u16| Property {
        name: format!("dhis_health_facility_indicator_of_some_length_{n}"),
        data_element: format!("e{n:010}"),
        ..Property::default()
    };
    let head = Head { generation: 1, ..Head::of(Quarter::parse("2026Q2").unwrap()) };
    let mut draft = Plan::draft(head, (0..height).map(facility).collect(), (0..width).map(property).collect());
    for facility in 0..height {
        for property in 0..width {
            let (old, new) = (facility % 3_989 + 3, facility % 3_989 + u32::from(property) % 4);
            let cell = Cell { facility, property };
            draft.set(cell, Some(&old.to_string()), Some(&new.to_string()), State::Reported);
        }
    }
    draft.finish()
}

/// What loading a review of this size allocates.
async fn loading(height: u32, width: u16) -> AllocationInfo {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.review");
    let store = Store::create(&path).unwrap();
    let used = Used {
        profile: "main".to_owned(),
        chunk_size: 1000,
        form_xmlns: String::new(),
        stamp_property: None,
        submit_user_id: String::new(),
    };
    store.save_plan(Arc::new(plan(height, width)), used, Vec::new(), Vec::new()).await.unwrap();
    store.close();
    let mut cells = 0;
    let used = measure(|| cells = opened(Store::read_only(&path).unwrap()).unwrap().plan.cells().count());
    assert_eq!(cells, usize::try_from(height).unwrap() * usize::from(width));
    used
}

#[tokio::test]
async fn f20_a_review_of_100_000_facilities_is_loaded_in_512_mib_and_no_facility_costs_more_than_in_a_small_one() {
    let (few, many, narrow) = (loading(10_000, 3).await, loading(100_000, 3).await, loading(5_000, 3).await);
    for (what, few, many) in [
        ("allocations", few.count_total, many.count_total),
        ("bytes in all", few.bytes_total, many.bytes_total),
        ("bytes at once", few.bytes_max, many.bytes_max),
    ] {
        assert!(few > 0 && many <= 14 * few, "{what}: {many} for ten times the facilities of {few}");
    }
    // What the other properties of the real mapping add, from a small one.
    let wide = loading(5_000, WIDTH).await;
    let more = (wide.bytes_max - narrow.bytes_max) * 20;
    let at_once = many.bytes_max + more;
    assert!(more > 0 && at_once < 512 * 1024 * 1024, "{at_once} bytes at once");
}
