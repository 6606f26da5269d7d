"""What a NetworkPolicy lets out: policy.py POLICY.json [!]ADDRESS:PORT[/PROTOCOL] …; each has to be let out, with ! it must not be."""

import ipaddress
import json
import sys


def within(peers, address):
    if not peers:
        return True
    for peer in peers:
        block = peer["ipBlock"]
        inside = [ipaddress.ip_network(block["cidr"])]
        outside = [ipaddress.ip_network(cidr) for cidr in block.get("except", [])]
        if any(address in network for network in inside) and not any(address in network for network in outside):
            return True
    return False


def admits(rule, address, port, protocol):
    ports = rule.get("ports", [])
    named = not ports or any(one["port"] == port and one.get("protocol", "TCP") == protocol for one in ports)
    return named and within(rule.get("to", []), address)


policy = json.load(open(sys.argv[1]))
rules = policy["spec"]["egress"]
wrong = False
for target in sys.argv[2:]:
    refused = target.startswith("!")
    where, _, protocol = target.lstrip("!").partition("/")
    address, port = where.rsplit(":", 1)
    admitted = any(admits(rule, ipaddress.ip_address(address), int(port), protocol or "TCP") for rule in rules)
    if admitted == refused:
        wrong = True
        print(f"{where} is {'let out' if admitted else 'held back'}", file=sys.stderr)
sys.exit(wrong)
