#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# A long way to a machine: forwards TCP connections, each byte as much later as it is far. For kernels without netem, where nobody may slow a whole interface down.
#
#     far.py PORT_FILE HOST PORT DELAY_MS      (of a round trip; says its own port in PORT_FILE, serves until it is killed)
import asyncio
import os
import sys


async def carry(reader, writer, delay_s):
    loop = asyncio.get_running_loop()
    under_way = asyncio.Queue(maxsize=4096)

    async def deliver():
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    delivering = asyncio.create_task(deliver())
    try:
        while data := await reader.read(262144):
            await under_way.put((loop.time() + delay_s, data))
    finally:
        await under_way.put((loop.time() + delay_s, b""))
        await delivering


async def main():
    port_file, host, port, delay_s = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) / 1000

    async def serve(reader, writer):
        await asyncio.sleep(delay_s)  # TCP's own handshake
        try:
            far_reader, far_writer = await asyncio.open_connection(host, port, limit=1 << 22)
            await asyncio.gather(carry(reader, far_writer, delay_s / 2), carry(far_reader, writer, delay_s / 2))
            far_writer.close()
        except OSError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 22)
    with open(port_file + ".new", "w") as out:
        print(server.sockets[0].getsockname()[1], file=out)
    os.rename(port_file + ".new", port_file)
    async with server:
        await server.serve_forever()


asyncio.run(main())
