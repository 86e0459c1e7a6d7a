import {execFile} from 'node:child_process'
import {symlink, writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'
import {pathToFileURL} from 'node:url'
import {promisify} from 'node:util'

import type {Source} from '../../src/source.ts'
import {temporaryFolder} from './cli.ts'

const root = resolve(import.meta.dirname, '../..')
const compilerOptions = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  module: 'nodenext',
  target: 'es2023',
  types: ['node'],
}

/** Compiles the text of source plugins against the contract, as strictly as can be, and loads what they export. */
export async function compiledSources(texts: readonly string[]): Promise<readonly Source[]> {
  const folder = await temporaryFolder()
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({compilerOptions, include: ['*.ts']}))
  await writeFile(join(folder, 'package.json'), '{"type": "module"}')
  for (const [index, text] of texts.entries()) await writeFile(join(folder, `source-${index}.ts`), text)
  await compile(folder)
  const modules = texts.map(async (_, index) => {
    const address = pathToFileURL(join(folder, `source-${index}.js`))
    return (await import(address.href)) as {readonly default: Source}
  })
  return (await Promise.all(modules)).map((module) => module.default)
}

async function compile(folder: string): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
  } catch (error) {
    const {stdout} = error as {readonly stdout?: string}
    throw new Error(`it does not compile:\n${stdout ?? ''}`, {cause: error})
  }
}
