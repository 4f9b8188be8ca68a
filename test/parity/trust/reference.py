"""The reference implementation of OpenSSF Model Signing: jobs as JSON on standard input, what came of each as JSON on standard output."""

import contextlib
import json
import pathlib
import sys


def hashing_for(job):
    from model_signing import hashing

    config = hashing.Config()
    algorithm = {"hashing_algorithm": job["hash"]} if "hash" in job else {}
    links = {"allow_symlinks": True} if job.get("links") else {}
    if "shard" in job:
        config.use_shard_serialization(shard_size=job["shard"], **algorithm, **links)
    else:
        config.use_file_serialization(**algorithm, **links)
    if links and hasattr(config, "set_allow_symlinks"):
        config.set_allow_symlinks(True)
    return config.set_ignored_paths(paths=job.get("ignore", []))


def sign(job):
    from model_signing import signing

    # Early releases look for Sigstore's services as soon as a configuration is made.
    config = object.__new__(signing.Config)
    config._signer = None
    config.set_hashing_config(hashing_for(job))
    if "certificate" in job:
        config.use_certificate_signer(
            private_key=job["key"], signing_certificate=job["certificate"], certificate_chain=job.get("chain", [])
        )
    else:
        config.use_elliptic_key_signer(private_key=job["key"])
    config.sign(job["model"], job["signature"])


def sign_0_2(job):
    from model_signing import model
    from model_signing.hashing import file, memory
    from model_signing.serialization import serialize_by_file
    from model_signing.signature import key, pki
    from model_signing.signing import in_toto, in_toto_signature

    if "certificate" in job:
        signer = pki.PKISigner.from_path(job["key"], job["certificate"], job.get("chain", []))
    else:
        signer = key.ECKeySigner.from_path(job["key"])
    serializer = serialize_by_file.ManifestSerializer(lambda path: file.SimpleFileHasher(path, memory.SHA256()))
    signature = model.sign(
        pathlib.Path(job["model"]),
        in_toto_signature.IntotoSigner(signer),
        in_toto.DigestsIntotoPayload.from_manifest,
        serializer,
    )
    signature.write(pathlib.Path(job["signature"]))


def verify(job):
    from model_signing import hashing, verifying

    config = verifying.Config()
    if "authorities" in job:
        config.use_certificate_verifier(certificate_chain=job["authorities"])
    else:
        config.use_elliptic_key_verifier(public_key=job["public"])
    if job.get("ignore"):
        config.set_hashing_config(hashing.Config().set_ignored_paths(paths=job["ignore"]))
    if job.get("unsigned"):
        config.set_ignore_unsigned_files(True)
    config.verify(pathlib.Path(job["model"]), pathlib.Path(job["signature"]))


def run(job):
    try:
        if job["do"] == "verify":
            verify(job)
        else:
            try:
                import model_signing.signing.in_toto_signature  # noqa: F401
            except ImportError:
                sign(job)
            else:
                sign_0_2(job)
        return {"ok": True}
    except Exception as error:  # whatever it is, it is the answer
        return {"ok": False, "error": f"{type(error).__name__}: {error}"[:500]}


answers = sys.stdout
with contextlib.redirect_stdout(sys.stderr):
    results = [run(job) for job in json.load(sys.stdin)]
json.dump(results, answers)
