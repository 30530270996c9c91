//! Multipart uploads: CreateMultipartUpload, UploadPart, UploadPartCopy, CompleteMultipartUpload, AbortMultipartUpload,
//! ListParts, ListMultipartUploads.

use crate::harness::Who::{Nobody, Owner, User};
use crate::harness::{Case, World, check_all};

const PART_BYTES: usize = 5 << 20;

async fn begin(world: &World, target: &str, headers: &[(&str, &str)]) -> String {
    let reply = world.send(Owner, "POST", &format!("{target}?uploads"), headers, b"").await.expect(200);
    reply.all("UploadId").remove(0)
}

fn complete(parts: &[(u16, String)]) -> String {
    let parts: String = parts
        .iter()
        .map(|(number, etag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"))
        .collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

async fn upload_part(world: &World, upload: &str, number: u16, content: &[u8]) -> (u16, String) {
    let target = format!("/bkt/k?partNumber={number}&uploadId={upload}");
    let reply = world.send(Owner, "PUT", &target, &[], content).await.expect(200);
    (number, reply.header("etag").expect("a tag").to_owned())
}

#[tokio::test]
async fn an_upload_becomes_an_object() {
    let world = World::with_bucket("bkt").await;
    let upload = begin(&world, "/bkt/k", &[("content-type", "text/plain"), ("x-amz-meta-a", "1")]).await;
    let first = upload_part(&world, &upload, 1, &vec![b'a'; PART_BYTES]).await;
    let second = upload_part(&world, &upload, 2, b"tail").await;
    let listed = world.send(Owner, "GET", &format!("/bkt/k?uploadId={upload}"), &[], b"").await.expect(200);
    assert_eq!(listed.all("PartNumber"), ["1", "2"]);
    assert_eq!(listed.all("ETag"), [first.1.clone(), second.1.clone()]);
    let uploads = world.send(Owner, "GET", "/bkt?uploads", &[], b"").await.expect(200);
    assert_eq!((uploads.all("UploadId"), uploads.all("Key")), (vec![upload.clone()], vec!["k".to_owned()]));
    let body = complete(&[first, second]);
    let done = world.send(Owner, "POST", &format!("/bkt/k?uploadId={upload}"), &[], body.as_bytes()).await.expect(200);
    assert!(done.all("ETag")[0].ends_with("-2\""), "{}", done.text());
    assert_eq!(done.all("Location"), ["http://t.s3.example.org/bkt/k"]);
    let get = world.send(Owner, "GET", "/bkt/k", &[], b"").await.expect(200);
    assert_eq!((get.body.len(), get.header("content-type")), (PART_BYTES + 4, Some("text/plain")));
    assert_eq!(get.header("x-amz-meta-a"), Some("1"));
    let part = world.send(Owner, "GET", "/bkt/k?partNumber=2", &[], b"").await.expect(206);
    assert_eq!((part.text().as_str(), part.header("x-amz-mp-parts-count")), ("tail", Some("2")));
    let range = format!("bytes {PART_BYTES}-{}/{}", PART_BYTES + 3, PART_BYTES + 4);
    assert_eq!(part.header("content-range"), Some(range.as_str()));
    let uploads = world.send(Owner, "GET", "/bkt?uploads", &[], b"").await;
    assert!(uploads.all("UploadId").is_empty());
}

#[tokio::test]
async fn parts_can_be_copied() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/source", b"0123456789").await;
    let upload = begin(&world, "/bkt/k", &[]).await;
    let target = format!("/bkt/k?partNumber=1&uploadId={upload}");
    let headers = [("x-amz-copy-source", "bkt/source"), ("x-amz-copy-source-range", "bytes=2-4")];
    let copy = world.send(Owner, "PUT", &target, &headers, b"").await.expect(200);
    assert!(copy.text().contains("<CopyPartResult"));
    let body = complete(&[(1, copy.all("ETag").remove(0))]);
    world.send(Owner, "POST", &format!("/bkt/k?uploadId={upload}"), &[], body.as_bytes()).await.expect(200);
    let get = world.send(Owner, "GET", "/bkt/k", &[], b"").await;
    assert_eq!(get.text(), "234");
    let upload = begin(&world, "/bkt/k", &[]).await;
    let target = format!("/bkt/k?partNumber=1&uploadId={upload}");
    let copy =
        |source: &str, status, code| Case::new(Owner, "PUT", &target, status, code).header("x-amz-copy-source", source);
    check_all(
        &world,
        &[
            copy("bkt/absent", 404, "NoSuchKey"),
            copy("missing/k", 404, "NoSuchBucket"),
            copy("bkt/source", 400, "InvalidArgument").header("x-amz-copy-source-range", "bytes=0-"),
            copy("bkt/source", 412, "PreconditionFailed").header("x-amz-copy-source-if-match", "\"other\""),
        ],
    )
    .await;
}

/// The "Errors" of the multipart operations.
#[tokio::test]
async fn errors() {
    let world = World::with_bucket("bkt").await;
    let upload = begin(&world, "/bkt/k", &[]).await;
    let (first, second) =
        (upload_part(&world, &upload, 1, b"small").await, upload_part(&world, &upload, 2, b"x").await);
    let (at, gone) = (format!("/bkt/k?uploadId={upload}"), format!("/bkt/k?uploadId={}", "0".repeat(32)));
    let part = |number: &str| format!("/bkt/k?partNumber={number}&uploadId={upload}");
    let wrong = complete(&[(1, "\"d41d8cd98f00b204e9800998ecf8427e\"".into())]);
    let absent = complete(&[first.clone(), (7, first.1.clone())]);
    let unordered = complete(&[second.clone(), first.clone()]);
    let small = complete(&[first, second]);
    check_all(
        &world,
        &[
            Case::new(Owner, "PUT", &part("0"), 400, "InvalidArgument").body(b"x"),
            Case::new(Owner, "PUT", &part("10001"), 400, "InvalidArgument").body(b"x"),
            Case::new(Owner, "PUT", &format!("{gone}&partNumber=1"), 404, "NoSuchUpload").body(b"x"),
            Case::new(Owner, "PUT", &part("1"), 400, "BadDigest")
                .header("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")
                .body(b"x"),
            Case::new(User, "PUT", &part("1"), 403, "AccessDenied").body(b"x"),
            Case::new(Owner, "GET", &gone, 404, "NoSuchUpload"),
            Case::new(User, "GET", &at, 403, "AccessDenied"),
            Case::new(Owner, "POST", &gone, 404, "NoSuchUpload").body(small.as_bytes()),
            Case::new(Owner, "POST", &at, 400, "MalformedXML").body(b"<CompleteMultipartUpload/>"),
            Case::new(Owner, "POST", &at, 400, "InvalidPart").body(wrong.as_bytes()),
            Case::new(Owner, "POST", &at, 400, "InvalidPart").body(absent.as_bytes()),
            Case::new(Owner, "POST", &at, 400, "InvalidPartOrder").body(unordered.as_bytes()),
            Case::new(Owner, "POST", &at, 400, "EntityTooSmall").body(small.as_bytes()),
            Case::new(Nobody, "POST", &at, 403, "AccessDenied").body(small.as_bytes()),
            Case::new(Owner, "POST", "/bkt/k?uploads", 400, "InvalidRequest")
                .header("x-amz-checksum-algorithm", "CRC64NVME")
                .header("x-amz-checksum-type", "COMPOSITE"),
            Case::new(User, "DELETE", &at, 403, "AccessDenied"),
            Case::new(Owner, "DELETE", &gone, 404, "NoSuchUpload"),
            Case::new(Owner, "DELETE", &at, 204, ""),
            Case::new(Owner, "GET", &at, 404, "NoSuchUpload"),
        ],
    )
    .await;
}

#[tokio::test]
async fn checksums_of_parts_make_that_of_the_object() {
    let world = World::with_bucket("bkt").await;
    let upload = begin(&world, "/bkt/k", &[("x-amz-checksum-algorithm", "CRC32")]).await;
    let target = format!("/bkt/k?partNumber=1&uploadId={upload}");
    let part = world.send(Owner, "PUT", &target, &[("x-amz-checksum-crc32", "NhCmhg==")], b"hello").await.expect(200);
    assert_eq!(part.header("x-amz-checksum-crc32"), Some("NhCmhg=="));
    let etag = part.header("etag").expect("a tag");
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag>\
         <ChecksumCRC32>NhCmhg==</ChecksumCRC32></Part></CompleteMultipartUpload>"
    );
    let done = world.send(Owner, "POST", &format!("/bkt/k?uploadId={upload}"), &[], body.as_bytes()).await.expect(200);
    assert!(done.all("ChecksumCRC32")[0].ends_with("-1"), "{}", done.text());
    assert_eq!(done.all("ChecksumType"), ["COMPOSITE"]);
    let wanted = [("x-amz-object-attributes", "ObjectParts,Checksum")];
    let attributes = world.send(Owner, "GET", "/bkt/k?attributes", &wanted, b"").await.expect(200);
    assert_eq!(attributes.all("PartsCount"), ["1"]);
    assert_eq!(attributes.all("PartNumber"), ["1"]);
    let bare = done.all("ChecksumCRC32")[0].trim_end_matches("-1").to_owned();
    assert_eq!(attributes.all("ChecksumCRC32"), [bare, "NhCmhg==".to_owned()]);
}
