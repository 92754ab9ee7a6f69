#!/usr/bin/env python3
"""Somebody at a chat program: writes one message, waits for the answer and prints it.

person.py PORT FROM PASSWORD TO TEXT

FROM and TO are addresses such as pelsa@localhost; the server listens on 127.0.0.1 without
encryption. Asks for a receipt (XEP-0184) and answers such requests, as chat programs do. Ends with
1 when no answer came within a minute.
"""

import asyncio
import sys

import slixmpp

PATIENCE_S = 60


class Person(slixmpp.ClientXMPP):
    def __init__(self, address, password, to, text):
        super().__init__(address, password)
        self.to, self.text = to, text
        self.answer = asyncio.get_event_loop().create_future()
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0184")
        self.plugin["xep_0184"].auto_request = True
        # The connection stays on this machine.
        self.enable_starttls = False
        self.enable_direct_tls = False
        self.enable_plaintext = True
        self.plugin["feature_mechanisms"].unencrypted_plain = True
        self.plugin["feature_mechanisms"].unencrypted_scram = True
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("message", self.hear)
        self.add_event_handler("failed_auth", lambda _: self.fail("the password is refused"))

    async def begin(self, _):
        self.send_presence()
        self.send_message(mto=self.to, mbody=self.text, mtype="chat")

    def hear(self, message):
        if message["type"] == "error":
            self.fail("it came back: " + message["error"]["condition"])
        elif message["body"] and not self.answer.done():
            self.answer.set_result(message["body"])

    def fail(self, why):
        if not self.answer.done():
            self.answer.set_exception(RuntimeError(why))


async def main(port, address, password, to, text):
    person = Person(address, password, to, text)
    person.connect("127.0.0.1", int(port))
    try:
        print(await asyncio.wait_for(person.answer, PATIENCE_S))
    finally:
        # Also the receipt for the answer goes out.
        await person.disconnect()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(main(*sys.argv[1:]))
    except TimeoutError:
        sys.exit(f"no answer came within {PATIENCE_S} s")
    except RuntimeError as why:
        sys.exit(str(why))
