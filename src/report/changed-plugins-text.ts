import {READS} from '../sources/box/grants.ts'
import type {ChangedPlugin} from '../sources/install/change-plugins.ts'
import type {ListedDescriptor} from '../sources/found-sources.ts'
import type {ChangedPluginsDocument} from './documents/changed-plugins.ts'

/** Says what each source of a plugin may do from now on: a new version may want more than the old one. */
export const formatGrants = ({sources}: ChangedPlugin): readonly string[] =>
  sources.flatMap((source) => [formatReadsOf(source), ...formatSpawn(source)])

const formatSpawn = ({name, spawn}: ListedDescriptor): readonly string[] =>
  spawn
    ? [
        `  ${name} wants to start processes, which are in no box and can read and write all that you can, in every mode; it is refused to each account that does not say \`allow: [spawn]\`.`,
      ]
    : []

function formatReadsOf({name, reads}: ListedDescriptor): string {
  const own = `  ${name} may read its own package and the files that options name`
  if (reads.length === 0) return `${own}, and nothing more.`
  return `${own}, and ${reads.map((each) => `${each} (${READS[each]})`).join(', ')}.`
}

export const changedPluginMemberOf = ({
  name,
  version,
  sources,
}: ChangedPlugin): ChangedPluginsDocument['plugins'][number] => ({
  name,
  version,
  sources: sources.map((source) => source.name),
  reads: Object.fromEntries(sources.map((source) => [source.name, source.reads])),
  spawn: sources.filter(({spawn}) => spawn).map((source) => source.name),
})
