"""A real S3 store: SeaweedFS, as a process of its own."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from camera.s3 import Store
from tests.camera.site import eventually, free_port

BUCKET, ACCESS, SECRET = "menjin-test", "menjin", "held-secret"


class WeedStore:
    """One server with one bucket."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        names = ("master.port", "volume.port", "filer.port", "s3.port", "master.port.grpc", "volume.port.grpc")
        self._ports = {name: free_port() for name in (*names, "filer.port.grpc", "s3.port.grpc")}
        (folder / "s3.json").write_text(
            f'{{"identities": [{{"name": "menjin", "actions": ["Admin"], "credentials":'
            f' [{{"accessKey": "{ACCESS}", "secretKey": "{SECRET}"}}]}}]}}'
        )
        argv = [str(shutil.which("weed", path=_bin())), "server", f"-dir={folder}", "-ip=127.0.0.1", "-filer", "-s3"]
        argv += [f"-s3.config={folder}/s3.json", "-volume.max=8", "-master.volumeSizeLimitMB=64"]
        self._argv = argv + [f"-{name}={port}" for name, port in self._ports.items()]
        self._log = folder / "log"
        self.start()
        eventually(self._make_bucket, 40)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._ports['s3.port']}"

    @property
    def settings(self) -> Store:
        return Store(self.endpoint, BUCKET, "us-east-1", ACCESS, SECRET, "site/")

    @property
    def client(self) -> Any:
        config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}, connect_timeout=2, read_timeout=5)
        keys = {"aws_access_key_id": ACCESS, "aws_secret_access_key": SECRET}
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", config=config, **keys)

    def start(self) -> None:
        with self._log.open("a") as log:
            self.process = subprocess.Popen(self._argv, stdout=log, stderr=log)
        eventually(self._answers, 40)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def get(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=BUCKET, Key=f"site/{key}")["Body"].read())

    def listed(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())
        return sorted(each["Key"].removeprefix("site/") for each in found)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._ports["s3.port"])) == 0

    def _make_bucket(self) -> bool:
        try:
            self.client.create_bucket(Bucket=BUCKET)
        except (BotoCoreError, ClientError):
            return BUCKET in self._buckets()
        return True

    def _buckets(self) -> list[str]:
        try:
            return [each["Name"] for each in self.client.list_buckets()["Buckets"]]
        except (BotoCoreError, ClientError):
            return []


def _bin() -> str:

    return str(Path(sys.executable).parent)
