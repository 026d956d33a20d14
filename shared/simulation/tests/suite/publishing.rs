//! What a new version of a data map means for requests under way is told before it is published.

use crate::support::{approval, drive, engine, id, officer, opened, pass, plan, request, reviewer};
use oubli_domain::{ids::OrganizationId, lifecycle::Phase};
use oubli_engine::{EngineError, RefusalKind, api::RequestKind, directory::AffectedRequests};
use oubli_simulation::{World, organization, polls::block_on};

const ORDERS: &str = "{name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}";
const WISHES: &str = "{name: wishes, category: wishes, store: db, table: wishes, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}";

fn map(producers: &[&str]) -> String {
    let listed: String = producers.iter().map(|producer| format!("  - {producer}\n")).collect();
    format!("version: 1\nstores: {{db: {{connector: dynamodb}}}}\nproducers:\n{listed}")
}

fn affected(world: &World, map: &str) -> AffectedRequests {
    block_on(engine(world).directory().affected_by_map(&organization(), map)).expect("looked at")
}

/// Alice's order and wish are to go: the plan is made by version 2.
fn planned() -> World {
    let world = opened();
    block_on(engine(&world).directory().operator(&organization(), None).publish_map(&map(&[ORDERS, WISHES]))).expect("published");
    world.lock().app_writes("wishes", "w1", &[("id", "w1"), ("owner", "alice")]);
    world.pass(60);
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    world
}

#[test]
fn p3_an_open_request_whose_plan_needs_what_a_new_map_drops_is_named_with_its_phase() {
    let world = planned();
    assert_eq!(affected(&world, &map(&[ORDERS, WISHES])), AffectedRequests::default(), "it has all of it");
    for phase in [Phase::InReview, Phase::Recoverable] {
        let told = affected(&world, &map(&[ORDERS]));
        assert_eq!(told.requests.len(), 1, "{told:?}");
        let request = &told.requests[0];
        assert_eq!((request.request_id, request.phase, request.map_version), (id(), phase, 2));
        let dropped: Vec<&str> = request.dropped.iter().map(|name| name.as_str()).collect();
        assert_eq!((dropped, request.reached_less.len()), (vec!["wishes"], 0));
        if phase == Phase::InReview {
            block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
            drive(&world);
        }
    }
    // The last look goes by the map of the plan, also if that was dropped: nothing is left, and nobody needs it any more.
    block_on(engine(&world).directory().operator(&organization(), None).publish_map(&map(&[ORDERS]))).expect("published");
    pass(&world, 31 * 24 * 3_600);
    pass(&world, 3_600);
    let phase = block_on(engine(&world).requests().request(&officer(), id())).expect("there").request.state.phase;
    assert_eq!(phase, Phase::Completed);
    assert_eq!(affected(&world, &map(&[ORDERS])), AffectedRequests::default());
}

#[test]
fn p3_a_producer_that_a_new_map_no_longer_reaches_by_what_is_known_is_named() {
    let world = planned();
    let by_phone = WISHES.replace("by: subject_id", "by: phone");
    let newer = map(&[ORDERS, &by_phone]).replace("version: 1\n", "version: 1\nidentifiers: {phone: {form: phone}}\n");
    let told = affected(&world, &newer);
    let less: Vec<&str> = told.requests.iter().flat_map(|r| &r.reached_less).map(|name| name.as_str()).collect();
    assert_eq!((less, told.requests[0].dropped.len()), (vec!["wishes"], 0));
    // Where an order leads to the number, the wish is found.
    let led = map(&[&ORDERS.replace("key: [id]", "key: [id], identifies: {phone: phone}"), &by_phone]);
    let led = led.replace("version: 1\n", "version: 1\nidentifiers: {phone: {form: phone}}\n");
    assert_eq!(affected(&world, &led), AffectedRequests::default());
}

#[test]
fn what_no_plan_needs_may_be_dropped_without_a_word() {
    let world = opened();
    block_on(engine(&world).directory().operator(&organization(), None).publish_map(&map(&[ORDERS, WISHES]))).expect("published");
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    assert_eq!(affected(&world, &map(&[ORDERS])), AffectedRequests::default(), "she wishes for nothing");
}

#[test]
fn a_map_is_published_for_an_organization_that_there_is_and_shown_as_it_was_written() {
    let world = opened();
    let directory = engine(&world).directory().clone();
    let nobody: OrganizationId = "acme-misspelt".parse().expect("an id");
    let text = format!("# by hand\n{}", map(&[ORDERS]));
    let refusals = [
        block_on(directory.operator(&nobody, None).publish_map(&text)).map(drop),
        block_on(directory.affected_by_map(&nobody, &text)).map(drop),
        block_on(directory.published_map(&nobody, None)).map(drop),
        block_on(directory.published_map(&organization(), Some(99))).map(drop),
    ];
    for refused in refusals {
        assert!(matches!(&refused, Err(EngineError::Refused(r)) if r.kind == RefusalKind::NotFound), "{refused:?}");
    }
    assert!(block_on(directory.data_map(&nobody)).is_err(), "nothing was written for it");
    let by = "arn:aws:iam::111122223333:user/platform";
    let published = block_on(directory.operator(&organization(), Some(by)).publish_map(&text)).expect("published");
    let version = published.version().expect("nobody has to confirm it");
    let shown = block_on(directory.published_map(&organization(), None)).expect("there");
    assert_eq!((shown.version, shown.yaml, shown.published_by.as_deref()), (version, text, Some(by)));
    let before = block_on(directory.published_map(&organization(), Some(1))).expect("there");
    assert_eq!((before.version, before.published_by), (1, None));
}
