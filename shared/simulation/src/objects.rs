//! The work bucket in memory.

use crate::{faults::call, oracle, scratch, world::World};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use oubli_engine::ports::{Body, ByteStream, ObjectError, ObjectWriter, Objects};

/// The bucket.
pub struct SimObjects(pub World);

fn unavailable(why: &str) -> ObjectError {
    ObjectError::Unavailable(why.to_owned())
}

fn store(world: &World, name: &str, body: Bytes) -> Result<(), ObjectError> {
    let mut state = world.lock();
    if state.objects.contains_key(name) {
        return Err(ObjectError::Exists);
    }
    state.note(|| format!("object {name}"));
    state.objects.insert(name.to_owned(), body);
    Ok(())
}

#[async_trait]
impl Objects for SimObjects {
    async fn put(&self, name: &str, body: Body) -> Result<(), ObjectError> {
        let (world, body) = (self.0.clone(), scratch::bytes(body)?);
        call(&self.0, unavailable, move || store(&world, name, body)).await
    }

    async fn writer(&self, name: &str) -> Result<Box<dyn ObjectWriter>, ObjectError> {
        Ok(Box::new(SimWriter { world: self.0.clone(), name: name.to_owned(), body: BytesMut::new() }))
    }

    async fn reader(&self, name: &str) -> Result<Option<ByteStream>, ObjectError> {
        let world = self.0.clone();
        let found = call(&self.0, unavailable, move || Ok(world.lock().objects.get(name).cloned())).await?;
        Ok(found.map(|bytes| stream::iter([Ok(bytes)]).boxed()))
    }

    async fn delete(&self, names: &[String]) -> Result<(), ObjectError> {
        let world = self.0.clone();
        call(&self.0, unavailable, move || {
            let mut state = world.lock();
            // The platform has killed this worker: nothing it does reaches the bucket any more.
            if state.acting.dead {
                return Err(unavailable("killed"));
            }
            for name in names {
                if state.objects.remove(name).is_some() {
                    oracle::deleted_object(&mut state, name);
                }
            }
            Ok(())
        })
        .await
    }
}

struct SimWriter {
    world: World,
    name: String,
    body: BytesMut,
}

#[async_trait]
impl ObjectWriter for SimWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectError> {
        self.body.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<(), ObjectError> {
        let SimWriter { world, name, body } = *self;
        let inner = world.clone();
        call(&world, unavailable, move || store(&inner, &name, body.freeze())).await
    }
}
