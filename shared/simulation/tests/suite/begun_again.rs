//! Whoever makes a key need not be who opens it.

use crate::support::{drive, engine, id, officer, opened, plan_export, poll_some};
use async_trait::async_trait;
use oubli_domain::lifecycle::Phase;
use oubli_engine::{
    Config, Engine,
    ports::{DataKey, KeyService, KeyServiceError, Ports, WrappedKey, WrappingKey},
};
use oubli_simulation::{World, organization, polls::block_on, ports};
use std::{collections::BTreeMap, sync::Arc};

/// A key service as the function has it that begins what was approved: it makes keys of exports, and opens none.
struct MakesOnly(Arc<dyn KeyService>);

#[async_trait]
impl KeyService for MakesOnly {
    async fn generate(
        &self,
        by: WrappingKey,
        context: &BTreeMap<String, String>,
    ) -> Result<(DataKey, WrappedKey), KeyServiceError> {
        self.0.generate(by, context).await
    }

    async fn unwrap(
        &self,
        by: WrappingKey,
        wrapped: &WrappedKey,
        context: &BTreeMap<String, String>,
    ) -> Result<DataKey, KeyServiceError> {
        if by == WrappingKey::Export {
            return Err(KeyServiceError::Refused("AccessDeniedException".to_owned()));
        }
        self.0.unwrap(by, wrapped, context).await
    }

    fn name(&self, of: WrappingKey) -> Result<String, KeyServiceError> {
        self.0.name(of)
    }

    fn forget(&self) {}

    async fn mac(&self, message: &[u8]) -> Result<[u8; 32], KeyServiceError> {
        self.0.mac(message).await
    }
}

fn beginner(world: &World) -> Engine {
    let ports = ports(world);
    Engine::with_config(Ports { keys: Arc::new(MakesOnly(ports.keys.clone())), ..ports }, Config::default())
}

#[test]
fn p9_an_export_whose_beginning_was_broken_off_anywhere_begins() {
    let phase = |world: &World| block_on(engine(world).requests().request(&officer(), id())).expect("there").request.state.phase;
    let mut broken_off = 0;
    for polls in 1..200 {
        let world = opened();
        plan_export(&world, "alice", false);
        let first = beginner(&world);
        let organization = organization();
        let request = id();
        let worker = first.worker();
        let mut begins: std::pin::Pin<Box<dyn Future<Output = _> + '_>> =
            Box::pin(worker.advance(&organization, &request, false));
        let done = poll_some(&mut begins, polls);
        drop(begins);
        if done {
            break;
        }
        broken_off += 1;
        block_on(beginner(&world).worker().advance(&organization, &request, false)).expect("begun");
        assert_eq!(phase(&world), Phase::Packaging, "broken off after {polls} polls");
        drive(&world);
        assert_eq!(phase(&world), Phase::Available, "broken off after {polls} polls");
    }
    assert!(broken_off > 5, "{broken_off}");
}
