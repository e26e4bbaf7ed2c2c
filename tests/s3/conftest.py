"""These tests freeze a real S3 server; `make test-s3` starts one for them."""

import os

from tests.support.servers import s3

collect_ignore = [] if os.environ.get(s3.VARIABLE) else ["test_outage.py", "test_server.py"]
