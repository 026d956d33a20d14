//! The in-memory ports keep the contract, and a world is the same each time it is made.

use oubli_simulation::{SimObjects, SimScratch, SimTable, World, contract, simulate};

#[test]
fn the_in_memory_table_keeps_the_contract() {
    futures::executor::block_on(async {
        let world = World::new(1, None, false);
        drive(contract::table(&SimTable(world), "memory")).await;
    });
}

#[test]
fn the_in_memory_bucket_keeps_the_contract() {
    futures::executor::block_on(async {
        let world = World::new(1, None, false);
        drive(contract::objects(&SimObjects(world), "memory")).await;
    });
}

#[test]
fn disks_in_memory_keep_the_contract() {
    futures::executor::block_on(async {
        let world = World::new(1, None, false);
        drive(contract::scratch(&SimScratch(world.clone()), &SimObjects(world), "memory")).await;
    });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..20 {
        assert_eq!(simulate(seed, None, false).trace, simulate(seed, None, false).trace, "seed {seed}");
    }
    assert_ne!(simulate(1, None, false).trace, simulate(2, None, false).trace);
}

/// The ports give the scheduler turns without waking anybody: poll until it is done.
async fn drive(future: impl Future<Output = ()>) {
    let mut future = Box::pin(future);
    while futures::future::poll_immediate(&mut future).await.is_none() {}
}
