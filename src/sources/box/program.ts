import {Socket} from 'node:net'

import {asError, exitWithHost} from '../../base/errors.ts'
import {connectPatiently} from '../../base/network.ts'
import {Channel} from './channel.ts'
import {fromHost, toMessage} from './error-message.ts'
import {SourceServer} from './source-server.ts'

/** The program of a box: it loads one plugin, asks its sources for the host, and ends with the host. */
const CHANNEL = 3

connectPatiently()

const socket = new Socket({fd: CHANNEL, readable: true, writable: true})
let busy = 0
const channel: Channel = new Channel(socket, {
  async call(method, args) {
    busy += 1
    awaitTheSource()
    try {
      return await server.answer(method, args)
    } finally {
      busy -= 1
      awaitTheSource()
    }
  },
  tell: (method, args) => server.hear(method, args),
  records: (body) => server.receive(body),
  toMessage,
  fromMessage: fromHost,
  pending: awaitTheSource,
  closed: exitWithHost,
})
const server = new SourceServer(channel)

/** While the source works, its own timers and sockets alone keep the process: where none is left, it waits in vain. */
function awaitTheSource(): void {
  if (busy > 0 && channel.pendingCalls === 0) socket.unref()
  else socket.ref()
}

process.on('beforeExit', () => {
  socket.ref()
  channel.tell('idle')
})
// What nobody waits for must end the run with a reason, not the process without one.
process.on('uncaughtException', (error) => channel.tell('uncaught', toMessage(asError(error))))
