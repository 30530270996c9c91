"""One client: it writes, notes what it was answered, and later looks whether that is what the store has.

In the bucket `plain` it puts, copies, puts parts together and deletes, one key or several. In `versions` it makes and
deletes versions, while any of the workers enables or suspends them.
"""

import hashlib
import random
import threading
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from known import ENABLED, MARKER, NULL, SUSPENDED, Content, Upload, fits, named, with_version, without_version
from server import Wrong

PLAIN, VERSIONS = "plain", "versions"
KEYS = 10
# A key with more versions is only deleted from.
MOST_VERSIONS = 12
MIB = 1 << 20
# Every size class of the store: empty, packed into the log, a file, many pieces. With how often each is drawn.
SIZES = [((0, 0), 6), ((1, 2000), 40), ((2000, 70_000), 25), ((70_000, 2 * MIB), 20), ((5 * MIB, 20 * MIB), 7),
         ((100 * MIB, 100 * MIB), 2)]
VERSION_SIZES = [0, 100, 5000, 100_000]
PART_BYTES = 5 * MIB
# Bodies of this size and above that are in memory at a time.
LARGE_BYTES = 20 * MIB
LARGE_AT_A_TIME = threading.Semaphore(1)
# How a request ends whose server was killed.
CUT_OFF = (HTTPClientError, BotoCoreError, ResponseParserError)
# Where an answer has its document.
DOCUMENT = "Document"
XML = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def keep_documents(s3) -> None:
    """Lets listings of versions keep the document: boto3 takes versions and markers apart and so loses their order."""

    def keep(response_dict, customized_response_dict, **_):
        customized_response_dict[DOCUMENT] = response_dict["body"]

    s3.meta.events.register("before-parse.s3.ListObjectVersions", keep)


class Switch:
    """Whether the bucket `versions` makes versions, which changes while others write."""

    def __init__(self, s3):
        self.s3, self.turn = s3, threading.Lock()
        # What it may be. Each change makes a new tuple, by which a writer sees that one came between.
        self.states = (ENABLED,)

    def change(self) -> None:
        with self.turn:
            now = self.states[0]
            then = SUSPENDED if now == ENABLED else ENABLED
            self.states = (now, then)
            self.s3.put_bucket_versioning(Bucket=VERSIONS, VersioningConfiguration={"Status": then})
            self.states = (then,)

    def expect(self, states, version) -> None:
        """Looks whether a write made the kind of version that it had to; `states` is from before it began."""
        if states is self.states and len(states) == 1 and (version == NULL) != (states[0] == SUSPENDED):
            raise Wrong(f"versioning is {states[0]}, and a write made the version {version}")

    def verify(self) -> None:
        found = self.s3.get_bucket_versioning(Bucket=VERSIONS)["Status"]
        if found not in self.states:
            raise Wrong(f"versioning is {found} and may be {self.states}")
        self.states = (found,)


def make_body(chance: random.Random) -> bytes:
    (least, most), = chance.choices([bounds for bounds, _ in SIZES], [weight for _, weight in SIZES])
    size = chance.randint(least, most)
    block = chance.randbytes(min(size, MIB))
    # Every block says where it is, so that blocks in the wrong order show.
    blocks = [at.to_bytes(8, "big") + block[8:] for at in range(-(-size // MIB))]
    return b"".join(blocks)[:size]


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


def content_of(body: bytes) -> Content:
    digest = md5(body)
    return Content(len(body), digest, f'"{digest}"')


def content_of_parts(bodies) -> Content:
    whole = b"".join(bodies)
    digest = md5(b"".join(hashlib.md5(body).digest() for body in bodies))
    return Content(len(whole), md5(whole), f'"{digest}-{len(bodies)}"')


class Worker:
    """Its keys are nobody else's, so that what it was told is all there is to know."""

    def __init__(self, number: int, seed: int, s3, switch: Switch):
        self.prefix, self.s3, self.switch = f"w{number}/", s3, switch
        self.chance = random.Random(f"{seed}-{number}")
        # The states that each key may be in: one, or more where a request was in flight.
        self.plain = {}
        self.versions = {}
        self.upload = None
        self.touched = set()
        self.acknowledged = 0

    def load(self, stop: threading.Event) -> None:
        """Sends requests until the server is gone."""
        works = {
            self.put: 30, self.copy: 8, self.advance_upload: 18, self.delete: 10, self.delete_many: 6, self.get: 10,
            self.put_version: 22, self.delete_version: 16, self.switch.change: 3,
        }
        try:
            while not stop.is_set():
                self.chance.choices(list(works), list(works.values()))[0]()
                self.acknowledged += 1
        except CUT_OFF:
            if not stop.is_set():
                raise

    def key(self) -> str:
        return f"{self.prefix}k{self.chance.randrange(KEYS)}"

    def plain_now(self, key: str):
        return self.plain.get(key, [None])[0]

    def versions_now(self, key: str) -> tuple:
        return self.versions.get(key, [()])[0]

    def change_plain(self, afters: dict, request):
        """Makes a request; until it is answered each key may be as before or as after."""
        for key, after in afters.items():
            self.touched.add(key)
            self.plain[key] = [self.plain_now(key), after]
        answer = request()
        self.plain |= {key: [after] for key, after in afters.items()}
        return answer

    def put(self) -> None:
        body = make_body(self.chance)
        if len(body) < LARGE_BYTES:
            return self.put_body(body)
        with LARGE_AT_A_TIME:
            return self.put_body(body)

    def put_body(self, body: bytes) -> None:
        key = self.key()
        self.change_plain({key: content_of(body)}, lambda: self.s3.put_object(Bucket=PLAIN, Key=key, Body=body))

    def copy(self) -> None:
        source, key = self.key(), self.key()
        content = self.plain_now(source)
        if content is None or source == key:
            return
        self.change_plain(
            {key: content},
            lambda: self.s3.copy_object(Bucket=PLAIN, Key=key, CopySource={"Bucket": PLAIN, "Key": source}),
        )

    def get(self) -> None:
        key = self.key()
        content = self.plain_now(key)
        if content is None:
            self.read_nothing(key)
        elif content.size < LARGE_BYTES:
            self.read(PLAIN, key, None, content)

    def delete(self) -> None:
        key = self.key()
        self.change_plain({key: None}, lambda: self.s3.delete_object(Bucket=PLAIN, Key=key))

    def delete_many(self) -> None:
        keys = {self.key() for _ in range(4)}
        wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        answer = self.change_plain(
            dict.fromkeys(keys), lambda: self.s3.delete_objects(Bucket=PLAIN, Delete=wanted)
        )
        if "Errors" in answer:
            raise Wrong(f"deletes failed: {answer['Errors']}")

    def advance_upload(self) -> None:
        """One more request of the upload that is open: its begin, a part, its end."""
        upload = self.upload
        if upload is None:
            key = self.key()
            self.upload = Upload(key, None)
            self.upload.id = self.s3.create_multipart_upload(Bucket=PLAIN, Key=key)["UploadId"]
        elif len(upload.parts) < 3 and self.chance.random() < 0.9:
            # All but the last must be large; a small one is the last.
            size = self.chance.choice([PART_BYTES, self.chance.randint(1, 100_000)]) if upload.parts else PART_BYTES
            self.put_part(len(upload.parts) + 1, size)
            if size < PART_BYTES:
                self.end_upload()
        else:
            self.end_upload()

    def put_part(self, number: int, size: int) -> None:
        upload, body = self.upload, self.chance.randbytes(size)
        upload.sent = number
        self.s3.upload_part(Bucket=PLAIN, Key=upload.key, UploadId=upload.id, PartNumber=number, Body=body)
        upload.sent = None
        upload.parts[number] = body

    def end_upload(self) -> None:
        upload = self.upload
        named_by = {"Bucket": PLAIN, "Key": upload.key, "UploadId": upload.id}
        upload.ending = True
        if not upload.parts or self.chance.random() < 0.2:
            self.s3.abort_multipart_upload(**named_by)
        else:
            bodies = [upload.parts[number] for number in sorted(upload.parts)]
            parts = [{"PartNumber": number, "ETag": f'"{md5(body)}"'} for number, body in enumerate(bodies, 1)]
            self.change_plain(
                {upload.key: content_of_parts(bodies)},
                lambda: self.s3.complete_multipart_upload(**named_by, MultipartUpload={"Parts": parts}),
            )
        self.upload = None

    def put_version(self) -> None:
        key = self.key()
        if len(self.versions_now(key)) > MOST_VERSIONS:
            return self.delete_version()
        body = self.chance.randbytes(self.chance.choice(VERSION_SIZES))
        self.make_version(
            key, content_of(body), lambda: self.s3.put_object(Bucket=VERSIONS, Key=key, Body=body)
        )

    def make_version(self, key: str, content, request) -> None:
        """Makes a request that makes a version, with an id or the null one, which its answer tells."""
        before, states = self.versions_now(key), self.switch.states
        self.touched.add(key)
        self.versions[key] = [before, *(with_version(before, version, content) for version in (None, NULL))]
        version = request().get("VersionId", NULL)
        self.switch.expect(states, version)
        self.versions[key] = [with_version(before, version, content)]

    def delete_version(self) -> None:
        key = self.key()
        before = self.versions_now(key)
        if not before or (self.chance.random() < 0.4 and len(before) <= MOST_VERSIONS):
            return self.make_version(key, MARKER, lambda: self.s3.delete_object(Bucket=VERSIONS, Key=key))
        version = self.chance.choice(before)[0]
        after = without_version(before, version)
        self.touched.add(key)
        self.versions[key] = [before, after]
        self.s3.delete_object(Bucket=VERSIONS, Key=key, VersionId=version)
        self.versions[key] = [after]

    def verify(self, read_all: bool) -> int:
        """Compares all that the store has under this worker's keys with what it was told; returns the bytes read."""
        self.verify_upload()
        read = self.verify_plain(read_all) + self.verify_versions(read_all)
        self.touched.clear()
        return read

    def verify_upload(self) -> None:
        """Looks for the parts of the upload that was cut off, and ends it. There is no other."""
        listed = self.s3.list_multipart_uploads(Bucket=PLAIN, Prefix=self.prefix).get("Uploads", [])
        found = {entry["UploadId"]: entry["Key"] for entry in listed}
        upload, self.upload = self.upload, None
        if upload is None or upload.id is None:
            if len(found) > (upload is not None):
                raise Wrong(f"uploads {found} were ended, or never begun")
            for unanswered, key in found.items():
                self.s3.abort_multipart_upload(Bucket=PLAIN, Key=key, UploadId=unanswered)
        elif found == {upload.id: upload.key}:
            self.verify_parts(upload)
            self.upload = upload
            self.end_upload()
        elif found or not upload.ending:
            raise Wrong(f"the uploads are {found} and not {upload.id} of {upload.key}")

    def verify_parts(self, upload: Upload) -> None:
        listed = self.s3.list_parts(Bucket=PLAIN, Key=upload.key, UploadId=upload.id).get("Parts", [])
        found = {part["PartNumber"]: (part["Size"], part["ETag"]) for part in listed}
        found.pop(upload.sent, None)
        told = {number: content_of(body).listed for number, body in upload.parts.items()}
        if found != told:
            raise Wrong(f"the upload of {upload.key} has the parts {found} and was told {told}")
        upload.sent = None

    def verify_plain(self, read_all: bool) -> int:
        found, read = {}, 0
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=PLAIN, Prefix=self.prefix):
            found.update({entry["Key"]: (entry["Size"], entry["ETag"]) for entry in page.get("Contents", [])})
        for key in found.keys() | self.plain.keys():
            states = self.plain.get(key, [None])
            fitting = [state for state in states if (state and state.listed) == found.get(key)]
            if not fitting:
                raise Wrong(f"{PLAIN}/{key} is {found.get(key)} and may be {states}")
            content = fitting[0]
            self.plain[key] = [content]
            if content is None:
                self.read_nothing(key)
            elif read_all or key in self.touched:
                read += self.read(PLAIN, key, None, content)
        return read

    def verify_versions(self, read_all: bool) -> int:
        found, read = self.listed_versions(), 0
        for key in found.keys() | self.versions.keys():
            states, there = self.versions.get(key, [()]), tuple(found.get(key, ()))
            fitting = [state for state in states if fits(state, there)]
            if not fitting:
                raise Wrong(f"{VERSIONS}/{key} is {there} and may be {states}")
            state = named(fitting[0], there)
            self.versions[key] = [state]
            for version, content in state:
                if content != MARKER and (read_all or key in self.touched):
                    read += self.read(VERSIONS, key, version, content)
        return read

    def listed_versions(self) -> dict:
        """Of each key its versions as listed, newest first: id, and size and ETag or the marker."""
        found = {}
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=VERSIONS, Prefix=self.prefix):
            for entry in ElementTree.fromstring(page[DOCUMENT]):
                kind = entry.tag.removeprefix(XML)
                if kind not in ("Version", "DeleteMarker"):
                    continue
                fields = {field.tag.removeprefix(XML): field.text for field in entry}
                content = MARKER if kind == "DeleteMarker" else (int(fields["Size"]), fields["ETag"])
                found.setdefault(unquote_plus(fields["Key"]), []).append((fields["VersionId"], content))
        return found

    def read(self, bucket: str, key: str, version, content: Content) -> int:
        more = {"VersionId": version} if version else {}
        answer = self.s3.get_object(Bucket=bucket, Key=key, **more)
        digest, size = hashlib.md5(), 0
        for piece in answer["Body"].iter_chunks(MIB):
            digest.update(piece)
            size += len(piece)
        if (size, digest.hexdigest(), answer["ETag"]) != (content.size, content.md5, content.etag):
            raise Wrong(f"{bucket}/{key} has {size} bytes with MD5 {digest.hexdigest()}, and {content} was written")
        return size

    def read_nothing(self, key: str) -> None:
        """Looks whether what was deleted is not there."""
        try:
            self.s3.head_object(Bucket=PLAIN, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return
            raise
        raise Wrong(f"{PLAIN}/{key} was deleted and is there")

    def usage(self) -> dict:
        """Of each bucket the objects and bytes that this worker has there, once nothing is in doubt."""
        plain = [content.size for states in self.plain.values() for content in states if content]
        versions = [
            content.size
            for states in self.versions.values()
            for state in states
            for _, content in state
            if content != MARKER
        ]
        return {PLAIN: (len(plain), sum(plain)), VERSIONS: (len(versions), sum(versions))}
