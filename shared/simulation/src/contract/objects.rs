//! What every [`Objects`] and every [`Scratch`] does.

use bytes::Bytes;
use futures::TryStreamExt;
use oubli_engine::ports::{ObjectError, Objects, Scratch};

async fn whole(objects: &dyn Objects, name: &str) -> Option<Vec<u8>> {
    let stream = objects.reader(name).await.expect("reader")?;
    let pieces: Vec<Bytes> = stream.try_collect().await.expect("stream");
    Some(pieces.concat())
}

/// The whole contract of [`Scratch`], whose files are written to `objects` under `space`.
pub async fn scratch(scratch: &dyn Scratch, objects: &dyn Objects, space: &str) {
    let mut file = scratch.create().await.expect("a file");
    let mut other = scratch.create().await.expect("another file");
    file.append(b"one, ").await.expect("append");
    other.append(b"other").await.expect("append");
    file.append(b"two").await.expect("append");
    for (name, from, expected) in [("whole", 0, "one, two"), ("end", 5, "two"), ("none", 8, "")] {
        let name = format!("{space}/{name}");
        objects.put(&name, file.body(from).await.expect("a body")).await.expect("put");
        assert_eq!(whole(objects, &name).await.as_deref(), Some(expected.as_bytes()), "{name}");
    }
    file.append(b", three").await.expect("what was sent is still there");
    objects.put(&format!("{space}/longer"), file.body(5).await.expect("a body")).await.expect("put");
    assert_eq!(whole(objects, &format!("{space}/longer")).await.as_deref(), Some(b"two, three".as_slice()));

    file.clear().await.expect("clear");
    let piece = vec![7_u8; 3 * 1024 * 1024];
    for _ in 0..3 {
        file.append(&piece).await.expect("append");
    }
    objects.put(&format!("{space}/again"), file.body(1).await.expect("a body")).await.expect("put");
    let again = whole(objects, &format!("{space}/again")).await.expect("an object");
    assert!(again.len() == 9 * 1024 * 1024 - 1 && again.iter().all(|b| *b == 7), "a file that was emptied begins anew");
    objects.put(&format!("{space}/other"), other.body(0).await.expect("a body")).await.expect("put");
    assert_eq!(whole(objects, &format!("{space}/other")).await.as_deref(), Some(b"other".as_slice()));
}

/// The whole contract of [`Objects`]. `space` keeps runs on one bucket apart.
pub async fn objects(objects: &dyn Objects, space: &str) {
    let name = format!("{space}/one");
    assert_eq!(whole(objects, &name).await, None);
    objects.put(&name, Bytes::from_static(b"first").into()).await.expect("put");
    assert_eq!(objects.put(&name, Bytes::from_static(b"second").into()).await, Err(ObjectError::Exists));
    assert_eq!(whole(objects, &name).await.as_deref(), Some(b"first".as_slice()));

    let streamed = format!("{space}/streamed");
    let mut writer = objects.writer(&streamed).await.expect("writer");
    let piece = Bytes::from(vec![7_u8; 3 * 1024 * 1024]);
    for _ in 0..4 {
        writer.write(piece.clone()).await.expect("write");
    }
    assert_eq!(whole(objects, &streamed).await, None, "an object exists only once it is finished");
    writer.finish().await.expect("finish");
    assert_eq!(whole(objects, &streamed).await.map(|b| b.len()), Some(12 * 1024 * 1024));

    let mut again = objects.writer(&streamed).await.expect("writer");
    again.write(Bytes::from_static(b"x")).await.expect("write");
    assert_eq!(again.finish().await, Err(ObjectError::Exists));
    drop(objects.writer(&format!("{space}/dropped")).await.expect("writer"));
    assert_eq!(whole(objects, &format!("{space}/dropped")).await, None);

    objects.delete(&[name.clone(), streamed, format!("{space}/never")]).await.expect("delete");
    assert_eq!(whole(objects, &name).await, None);
}
