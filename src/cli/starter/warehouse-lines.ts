import type {WarehouseKind} from '../../warehouse/kind.ts'
import type {WarehouseKinds} from '../../warehouse/kinds.ts'

export interface WarehouseChoice {
  readonly warehouse: WarehouseKind
  readonly kinds: WarehouseKinds
}

/** The part of lorchestra.yaml that says where records go, with the other kinds in comments. */
export function warehouseLines({warehouse, kinds}: WarehouseChoice): string {
  const [first] = kinds
  const chosen = kinds.flatMap(({name, chosenBy}) => (chosenBy === undefined ? [] : [`${name} if ${chosenBy} is set`]))
  const others = kinds.filter((kind) => kind !== warehouse).map(({starter}) => commented(starter.yaml))
  return `# Where event_log and raw_objects are. Without this key: ${chosen.join(', ')},
# else ${first.name} (${first.summary}).
${[warehouse.starter.yaml, ...others].join('\n')}`
}

/** The part of .env.example that the warehouse needs, with the other kinds' in comments. */
export function warehouseVariables({warehouse, kinds}: WarehouseChoice): string {
  const others = kinds
    .filter((kind) => kind !== warehouse && kind.starter.environment !== '')
    .map(({name, starter}) => `# For ${name}:\n${commented(starter.environment)}`)
  return [warehouse.starter.environment, ...others].filter((text) => text !== '').join('\n')
}

const commented = (text: string): string => text.replaceAll(/^(  )?# /gm, '$1').replaceAll(/^(?=.)/gm, '# ')
