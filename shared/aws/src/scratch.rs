//! Files in the execution environment's temporary storage.

use async_trait::async_trait;
use aws_sdk_s3::primitives::{ByteStream, Length};
use oubli_engine::ports::{Body, ObjectError, Scratch, ScratchError, ScratchFile};
use std::{io, os::fd::AsRawFd as _, path::PathBuf};
use tokio::{
    fs::File,
    io::{AsyncSeekExt as _, AsyncWriteExt as _},
};

/// [`Scratch`] where the system keeps temporary files; on Lambda that is the ephemeral storage.
#[derive(Debug, Clone, Copy, Default)]
pub struct TemporaryFiles;

/// A file without a name, so that nothing of it stays when its process is killed.
struct TemporaryFile {
    file: File,
    length: u64,
}

fn failed(error: io::Error) -> ScratchError {
    ScratchError(error.kind().to_string())
}

#[async_trait]
impl Scratch for TemporaryFiles {
    async fn create(&self) -> Result<Box<dyn ScratchFile>, ScratchError> {
        let file = tempfile::tempfile().map_err(failed)?;
        Ok(Box::new(TemporaryFile { file: File::from_std(file), length: 0 }))
    }
}

#[async_trait]
impl ScratchFile for TemporaryFile {
    async fn append(&mut self, bytes: &[u8]) -> Result<(), ScratchError> {
        self.file.write_all(bytes).await.map_err(failed)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    async fn body(&mut self, from: u64) -> Result<Body, ScratchError> {
        self.file.flush().await.map_err(failed)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()));
        Ok(Body::File { path, from, length: self.length.saturating_sub(from) })
    }

    async fn clear(&mut self) -> Result<(), ScratchError> {
        self.file.flush().await.map_err(failed)?;
        self.file.rewind().await.map_err(failed)?;
        self.file.set_len(0).await.map_err(failed)?;
        self.length = 0;
        Ok(())
    }
}

/// As the SDK sends it, again from its beginning where it tries again.
pub(crate) async fn stream(body: &Body) -> Result<ByteStream, ObjectError> {
    match body {
        Body::Bytes(bytes) => Ok(ByteStream::from(bytes.clone())),
        Body::File { path, from, length } => {
            let file = ByteStream::read_from().path(path).offset(*from).length(Length::Exact(*length));
            file.build().await.map_err(|_| ObjectError::Unavailable("FileUnreadable".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[tokio::test]
    async fn a_file_has_no_name_and_is_gone_once_dropped() {
        let mut file = TemporaryFiles.create().await.expect("a file");
        file.append(b"some").await.expect("append");
        let Ok(Body::File { path, from: 1, length: 3 }) = file.body(1).await else { panic!("no file") };
        let there = std::fs::metadata(&path).expect("it can be opened again");
        assert_eq!((there.nlink(), there.len()), (0, 4));
        drop(file);
        assert!(std::fs::metadata(&path).map_or(true, |other| other.ino() != there.ino()));
    }
}
