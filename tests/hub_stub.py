"""As much of the Hugging Face Hub as its client needs to fetch and publish models and Spaces, on 127.0.0.1 and in memory."""

import base64
import hashlib
import json
import re
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_the_one_that_the_stub_knows"


class HubStub:
    """A Hub with models and Spaces that tests put there.

    Attributes:
        endpoint: its address.
        requests: "METHOD /path" of all that was asked, for tests that no more is asked than need be.
        gated: models whose files are given to nobody.
        open: cleared to keep those who ask for files waiting.
        sdks: {Space: SDK} that was asked for.
        sizes: {file: size} that the listing of files claims instead of the true one.
    """

    def __init__(self):
        self.requests = []
        self.tokens = set()  # with which models were asked for
        self.gated = set()
        self.open = threading.Event()
        self.open.set()
        self.sdks = {}
        self.sizes = {}
        self.private = {}  # {repo: whether}, of all repositories
        self.commits = defaultdict(dict)  # {repo: {sha: {file: bytes}}}
        self.branches = defaultdict(dict)  # {repo: {branch: sha}}
        self.uploads = {}  # {oid: bytes}, of large files until their commit
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.endpoint = "http://{}:{}".format(*self.server.server_address)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def put(self, repo, files, branch="main"):
        """A commit of {file: bytes} and nothing else; returns its hash."""
        self.private.setdefault(repo, False)
        sha = hashlib.sha1(repr((repo, sorted(files.items()), len(self.commits[repo]))).encode()).hexdigest()
        self.commits[repo][sha] = dict(files)
        self.branches[repo][branch] = sha
        return sha

    def put_folder(self, repo, folder, branch="main"):
        return self.put(repo, {path.name: path.read_bytes() for path in folder.iterdir()}, branch)

    def files(self, repo, branch="main"):
        return self.commits[repo][self.branches[repo][branch]]

    def switch_off(self):
        self.server.shutdown()
        self.server.server_close()


class _Refused(Exception):
    def __init__(self, status, code=""):
        super().__init__(status, code)
        self.status, self.code = status, code


class _Handler(BaseHTTPRequestHandler):
    hub: HubStub

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            for pattern, answer in _ROUTES:
                if match := re.fullmatch(pattern, f"{self.command} {path}"):
                    return answer(self, *match.groups())
            raise _Refused(404)
        except _Refused as refused:
            return self.send(b"", refused.status, {"X-Error-Code": refused.code})

    do_HEAD = do_POST = do_PUT = do_GET

    def send(self, body, status=200, headers=None):
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_json(self, body, status=200):
        self.send(json.dumps(body).encode(), status, {"Content-Type": "application/json"})

    def log_message(self, *_):
        pass

    def commit(self, repo, revision):
        """Hash and files of a commit, branch or beginning of a hash."""
        token = self.headers.get("Authorization", "")
        self.hub.tokens.add(token)
        if repo not in self.hub.private or (self.hub.private[repo] and token != f"Bearer {TOKEN}"):
            raise _Refused(401, "RepoNotFound")  # what the Hub says to whom it does not know
        revision = self.hub.branches[repo].get(revision or "main", revision)
        for sha, files in self.hub.commits[repo].items():
            if revision and sha.startswith(revision):
                return sha, files
        if revision is None:
            return "0" * 40, {}  # an empty repository
        raise _Refused(404, "RevisionNotFound")

    def check_writer(self, repo):
        token = self.headers.get("Authorization", "")
        if token != f"Bearer {TOKEN}":
            raise _Refused(401)
        if not repo.startswith("me/"):
            raise _Refused(403)

    def model(self, repo, revision=None):
        sha, files = self.commit(repo, revision)
        siblings = [{"rfilename": name, "size": self.hub.sizes.get(name, len(data))} for name, data in files.items()]
        self.send_json(
            {
                "id": repo,
                "sha": sha,
                "private": self.hub.private[repo],
                "gated": repo in self.hub.gated and "auto",
                "tags": [],
                "siblings": siblings,
            }
        )

    def file(self, repo, revision, name):
        self.hub.open.wait(60)
        sha, files = self.commit(repo, revision)
        if repo in self.hub.gated:
            raise _Refused(403, "GatedRepo")
        if name not in files:
            raise _Refused(404, "EntryNotFound")
        self.send(files[name], headers={"ETag": f'"{hashlib.sha256(files[name]).hexdigest()}"', "X-Repo-Commit": sha})

    def create(self):
        wanted = json.loads(self.body)
        repo = f"{wanted['organization']}/{wanted['name']}"
        self.check_writer(repo)
        known = repo in self.hub.private
        self.hub.private.setdefault(repo, wanted.get("visibility") == "private")
        if wanted.get("type") == "space":
            self.hub.sdks[repo] = wanted["sdk"]
        kind = "spaces/" if repo in self.hub.sdks else ""
        self.send_json({"url": f"{self.hub.endpoint}/{kind}{repo}"}, 409 if known else 200)

    def create_branch(self, repo, branch):
        self.check_writer(repo)
        if branch in self.hub.branches[repo]:
            return self.send_json({"error": "there already"}, 409)
        sha, _ = self.commit(repo, None)
        self.hub.commits[repo].setdefault(sha, {})
        self.hub.branches[repo][branch] = sha
        return self.send_json({})

    def validate(self):
        if "license: unheard-of" in json.loads(self.body)["content"]:
            return self.send_json({"errors": [{"message": "license must be one of those known"}], "warnings": []}, 400)
        return self.send_json({"errors": [], "warnings": []})

    def preupload(self, repo, _):
        self.check_writer(repo)
        names = [file["path"] for file in json.loads(self.body)["files"]]
        modes = {name: "lfs" if name.endswith((".safetensors", ".png")) else "regular" for name in names}
        self.send_json({"files": [{"path": n, "uploadMode": mode, "shouldIgnore": False} for n, mode in modes.items()]})

    def batch(self, repo):
        self.check_writer(repo)
        objects = json.loads(self.body)["objects"]
        actions = [o | {"actions": {"upload": {"href": f"{self.hub.endpoint}/lfs/{o['oid']}"}}} for o in objects]
        self.send_json({"transfer": "basic", "objects": actions})

    def upload(self, oid):
        self.hub.uploads[oid] = self.body
        self.send(b"")

    def add_commit(self, repo, branch):
        self.check_writer(repo)
        files = dict(self.commit(repo, branch)[1]) if self.hub.branches[repo] else {}
        for line in self.body.decode().splitlines():
            kind, value = (parsed := json.loads(line))["key"], parsed["value"]
            if kind == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif kind == "lfsFile":
                files[value["path"]] = self.hub.uploads[value["oid"]]
            elif kind == "deletedFile":
                del files[value["path"]]
        sha = self.hub.put(repo, files, branch)
        self.send_json({"commitUrl": f"{self.hub.endpoint}/{repo}/commit/{sha}", "commitOid": sha})


_REPO = r"([^/]+/[^/]+)"
_API = rf"/api/(?:models|spaces)/{_REPO}"
_ROUTES = [
    (rf"GET {_API}", _Handler.model),
    (rf"GET {_API}/revision/(.+)", _Handler.model),
    (rf"(?:GET|HEAD) /{_REPO}/resolve/(.+)/([^/]+)", _Handler.file),
    (r"POST /api/repos/create", _Handler.create),
    (rf"POST {_API}/branch/(.+)", _Handler.create_branch),
    (r"POST /api/validate-yaml", _Handler.validate),
    (rf"POST {_API}/preupload/(.+)", _Handler.preupload),
    (rf"POST /(?:spaces/)?{_REPO}\.git/info/lfs/objects/batch", _Handler.batch),
    (r"PUT /lfs/(\w+)", _Handler.upload),
    (rf"POST {_API}/commit/(.+)", _Handler.add_commit),
]
