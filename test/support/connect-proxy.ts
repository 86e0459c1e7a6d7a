import {once} from 'node:events'
import {createServer} from 'node:http'
import {connect, type AddressInfo} from 'node:net'

/** A proxy that tunnels whatever host it is asked for to one place on this machine. */
export interface ConnectProxy {
  /** Host and port. */
  readonly address: string
  /** What it was asked for, with the credentials that came along. */
  readonly asked: readonly string[]
  close(): void
}

export async function startConnectProxy(to: number, status = 200): Promise<ConnectProxy> {
  const asked: string[] = []
  const server = createServer((_request, response) => {
    response.writeHead(501).end()
  })
  server.on('connect', ({url = '', headers}, socket) => {
    asked.push(`${url} ${headers['proxy-authorization'] ?? ''}`.trim())
    socket.on('error', () => undefined)
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} no\r\n\r\n`)
      return
    }
    const onward = connect(to, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
