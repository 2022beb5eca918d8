"""
Somebody who means harm: anonymous, at one address, at full speed.

`table` names the attacks; each is a script of one family (`frames`, `names`, `bodies`, `handshakes`, `readers`,
`crowds`), `driver` plays it on many sockets at once, in a process of its own. `victim` is what is attacked, `honest`
are those who must not notice; `siege` is one attack after the other, `report` what was measured and whether it held.
"""
