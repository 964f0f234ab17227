"""A web service on a bucket: ``BUCKET=my-bucket uvicorn --app-dir examples fastapi_service:app``."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.requests import ClientDisconnect

import s3_bucket as S3

# Made at import time: it sends nothing and belongs to no event loop yet.
bucket = S3.AsyncBucket(os.environ.get("BUCKET", "my-bucket"))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the connections with the service and close them with it; all requests share them."""
    async with bucket:
        yield


app = FastAPI(lifespan=lifespan)

# The first that fits.
STATUS = {
    S3.Exceptions.NoSuchKey: 404,
    S3.Exceptions.InvalidInput: 400,
    S3.Exceptions.KeyAlreadyExists: 409,
    S3.Exceptions.PreconditionFailed: 412,
    S3.Exceptions.Throttled: 503,
    S3.Exceptions.BucketTimeout: 504,
    S3.Exceptions.BucketException: 502,
}


@app.exception_handler(S3.Exceptions.BucketException)
async def bucket_error(_: Request, error: Exception) -> Response:
    """Tell the client what went wrong, in HTTP's words."""
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    return JSONResponse({"detail": type(error).__name__, "key": getattr(error, "key", None)}, status)


@app.exception_handler(ClientDisconnect)
async def client_gone(_: Request, __: Exception) -> Response:
    """Nobody is left to be answered; what was being stored has been given up."""
    return Response(status_code=400)


@app.get("/objects/{key:path}")
async def get(key: str) -> Response:
    """Return a small object, through memory."""
    got = await bucket.get(key)
    return Response(got.data, media_type=got.info.content_type, headers={"ETag": f'"{got.info.etag}"'})


@app.put("/objects/{key:path}", status_code=201)
async def put(key: str, request: Request) -> dict[str, Any]:
    """Store what the client sends, while it sends it: nothing is spooled, memory is bounded whatever the length."""
    info = await bucket.put(key, request.stream(), content_type=request.headers.get("content-type"))
    return {"key": info.key, "size": info.size, "etag": info.etag}


@app.delete("/objects/{key:path}", status_code=204)
async def delete(key: str) -> None:
    """Delete an object."""
    await bucket.delete(key)


async def opened(key: str) -> AsyncIterator[S3.AsyncReader]:
    """Open an object before the answer begins, so that a missing one is a real 404; close it when the answer ends."""
    async with bucket.open_reader(key) as reader:
        yield reader


@app.get("/streams/{key:path}")
async def download(reader: Annotated[S3.AsyncReader, Depends(opened)]) -> StreamingResponse:
    """Return an object of any size, piece by piece."""
    headers = {"Content-Length": str(reader.info.size), "ETag": f'"{reader.info.etag}"'}
    return StreamingResponse(reader, media_type=reader.info.content_type, headers=headers)
