"""Whether the application in this container answers 200 at an address: its exit code says so.

Usage: answers.py /api/health/live
"""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", 8501, timeout=4)
try:
    connection.request("GET", sys.argv[1])
    sys.exit(connection.getresponse().status != 200)
except OSError:
    sys.exit(1)
