"""`python -m mgmt_api.cli` is `menjin`."""

from mgmt_api.cli import main

main()
