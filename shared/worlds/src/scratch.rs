//! Workers' disks in memory.

use crate::{faults::call, world::World};
use async_trait::async_trait;
use bytes::Bytes;
use oubli_engine::ports::{Body, ObjectError, Scratch, ScratchError, ScratchFile};

/// Disks that may be full.
pub struct SimScratch(pub World);

struct SimFile {
    world: World,
    bytes: Vec<u8>,
}

fn unavailable(why: &str) -> ScratchError {
    ScratchError(why.to_owned())
}

#[async_trait]
impl Scratch for SimScratch {
    async fn create(&self) -> Result<Box<dyn ScratchFile>, ScratchError> {
        let world = self.0.clone();
        call(&self.0, unavailable, move || Ok(Box::new(SimFile { world, bytes: vec![] }) as Box<dyn ScratchFile>)).await
    }
}

#[async_trait]
impl ScratchFile for SimFile {
    async fn append(&mut self, bytes: &[u8]) -> Result<(), ScratchError> {
        let file = &mut self.bytes;
        call(&self.world, unavailable, move || {
            file.extend_from_slice(bytes);
            Ok(())
        })
        .await
    }

    async fn body(&mut self, from: u64) -> Result<Body, ScratchError> {
        let from = usize::try_from(from).map_err(|_| unavailable("too large"))?;
        Ok(Body::Bytes(Bytes::copy_from_slice(self.bytes.get(from..).unwrap_or_default())))
    }

    async fn clear(&mut self) -> Result<(), ScratchError> {
        let file = &mut self.bytes;
        call(&self.world, unavailable, move || {
            file.clear();
            Ok(())
        })
        .await
    }
}

/// What a body holds.
///
/// # Errors
/// [`ObjectError::Unavailable`] for a file: there are none in memory.
pub fn bytes(body: Body) -> Result<Bytes, ObjectError> {
    match body {
        Body::Bytes(bytes) => Ok(bytes),
        Body::File { .. } => Err(ObjectError::Unavailable("no file is in memory".to_owned())),
    }
}
