# ruff: noqa: Q000, S108 - the documentation's own lines, with its quotes and its paths
# fmt: off
"""A script as the documentation of release 1 writes it: blocking calls, no close, no ``with``.

It wants the buckets my-bucket and my-website-data, and the file /tmp/file_to_upload.txt.
"""

import os

import s3_bucket as S3

# get your key data from environment variables
AWS_ACCESS_KEY_ID = os.environ.get('AWS_ACCESS_KEY_ID')
AWS_SECRET_ACCESS_KEY = os.environ.get('AWS_SECRET_ACCESS_KEY')
AWS_SESSION_TOKEN = os.environ.get('AWS_SESSION_TOKEN')

# initialize the package: today's way, and the one of release 1.4.0
S3.init(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)
S3.Bucket.prepare(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN)

# initialize a bucket; the second way of writing it is documented too
bucket = S3.Bucket('my-website-data')
bucket = S3.bucket('my-bucket')

# a str or bytes, with a content type and metadata if you like
bucket.put('json_data_1', "a str is stored as UTF-8")
bucket.put('some key', b'some bytes', 'text/css', {'owner': 'me'})
bucket.put('some key', b'some bytes', metadata={'owner': 'me'})

data, metadata = bucket.get('some key')
print(data, metadata)
print(bucket.get('json_data_1', response_content_type='text/plain')[0].decode())

# UPLOAD A FILE
bucket.upload_file('/tmp/file_to_upload.txt', 'myfile.txt')
bucket.download_file('myfile.txt', '/tmp/destination_filename.txt')

bucket.delete('some key')

try:
    data, metadata = bucket.get('some key')
except S3.Exceptions.NoSuchKey as e:
    print('no such key:', e.key, 'in', e.bucket)

try:
    bucket = S3.Bucket('my-bucket-name')
    data, metadata = bucket.get('some key')
except S3.Exceptions.NoSuchBucket as e:
    print('no such bucket:', e.bucket)
except S3.Exceptions.BucketException as e:
    print('something else:', e.message)
