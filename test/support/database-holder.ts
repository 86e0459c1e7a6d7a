import {fork, type ChildProcess} from 'node:child_process'
import {once} from 'node:events'

const DUCKDB = import.meta.resolve('@duckdb/node-api')

export interface DatabaseHolder {
  readonly pid: number | undefined
  close(): Promise<void>
}

/** Another program, a notebook say, that opens the file as soon as it can and keeps it open. */
export async function holdDatabase(path: string): Promise<DatabaseHolder> {
  const script = `
    const {DuckDBInstance} = await import(${JSON.stringify(DUCKDB)})
    let instance
    while (instance === undefined) {
      try { instance = await DuckDBInstance.create(${JSON.stringify(path)}) } catch (error) {
        if (!String(error).includes('Could not set lock')) throw error
      }
    }
    const connection = await instance.connect()
    process.once('message', () => { connection.closeSync(); instance.closeSync(); process.disconnect() })
    process.send('open')`
  const child: ChildProcess = fork('-', {
    execArgv: ['--input-type=module', '-e', script],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  return {
    pid: child.pid,
    async close() {
      if (child.exitCode !== null) return
      child.send('close')
      await once(child, 'exit')
    },
  }
}
