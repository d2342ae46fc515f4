"""`evcli help evidence`: what is proved by what, for an auditor."""

EVIDENCE = """\
What a log proves, for an auditor and for whoever answers one.

  The chain. Every event's line ends with a SHA-256 of itself and of the line before it. So no event can be changed,
  removed or inserted without changing every hash after it. evcli verify checks all of them.
  A head, NUMBER:SHA256, is the number and hash of one event. Through the chain, it stands for that event and for
  everything before it, and it says nothing of what came later.

  what you have          what it shows                              who could still deceive you

  the log alone          an event changed, removed or inserted by   who can write the log: by making all later hashes
                         accident, or without making new hashes     anew, by cutting off its end, by replacing it
  heads beside the log   also a cut or a rewrite by somebody who    who can write in the log's folder, where LOG.heads
  (LOG.heads)            left LOG.heads as it was                   is a file like the log
  heads kept elsewhere   any change, since then, of that event and  who can write in both places
                         of all before it

So let somebody keep the heads who cannot write the log, or send each one off: to the auditor by mail, on paper, to a
medium that is written once, to a time-stamping service. A head says nothing about people, so it may be published.
What was written before a head was kept is as the log's writers chose to write it.

What no head proves: that an event was true when it was recorded. authid is what the operating system said of who ran
evcli, or what EVCLI_ACTOR said; it is not signed. time is what the machine's clock said; the moments at which
events were recorded never go back from one event to the next.

Keep one, every quarter:
  evcli verify && evcli head --keep "Q1 review" --to /media/safe/heads
Check, a year later:
  evcli verify --against /media/safe/heads
Ask what was the case then, and what has happened since; these stop with an error if the log is not what it was then:
  evcli state --at "Q1 review"
  evcli log --since "Q1 review"
  evcli diff "Q1 review" "Q2 review"

verify ends with 0 if all is well, else with 12, and names each head: the log was cut (it ends before that event), was
edited (that event has another hash), or is another one (event 1 is not the same).

Without evcli, in Python, with a log and a file of heads:

  import hashlib, json
  previous, chain = b"0" * 64, set()
  for number, line in enumerate(open("events.jsonl", "rb"), 1):
      line = line.rstrip(b"\\n")
      assert hashlib.sha256(previous + line[:-77]).hexdigest().encode() == line[-66:-2], f"line {number}"
      previous = line[-66:-2]
      chain.add(f"{number}:{previous.decode()}")
  for kept in map(json.loads, open("heads")):
      print(kept["name"], "is proved" if kept["head"] in chain else "IS NOT IN THIS LOG")"""
