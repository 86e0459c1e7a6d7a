import {isPlainObject} from './variables.ts'

type Schema = Readonly<Record<string, unknown>>

/** A described option says what the schema of a source tells of it. */
export interface DescribedOption {
  /** Its name; by dots within another one, `auth.token`. */
  readonly name: string
  /** What it takes, in words. */
  readonly type: string
  readonly required: boolean
  readonly description?: string
  readonly default?: unknown
  readonly example?: unknown
  /** Its only values, each with what the schema says of it. */
  readonly values?: readonly {readonly value: unknown; readonly description?: string}[]
  /** Whether text alone can be meant, so that what somebody types is taken as it stands. */
  readonly isText: boolean
}

/** Lists what a JSON Schema of options tells, those within others right after them. */
export function describeOptions(schema: unknown): readonly DescribedOption[] {
  if (!isPlainObject(schema)) return []
  return membersOf(schema, schema, '')
}

function membersOf(schema: Schema, root: Schema, prefix: string): readonly DescribedOption[] {
  const variants = variantsOf(schema, root)
  const names = new Set(variants.flatMap((variant) => Object.keys(propertiesOf(variant))))
  return [...names].flatMap((name) => {
    const having = variants.filter((variant) => Object.hasOwn(propertiesOf(variant), name))
    const members = having.map((variant) => propertiesOf(variant)[name]).filter(isPlainObject)
    const required =
      having.length === variants.length && having.every((variant) => listOf(variant, 'required').includes(name))
    const path = `${prefix}${name}`
    const inner = prefix === '' ? members.flatMap((member) => membersOf(member, root, `${path}.`)) : []
    return [describe(path, members, required, root), ...mergedByName(inner)]
  })
}

/** Members of several variants of an option are one each. */
const mergedByName = (options: readonly DescribedOption[]): readonly DescribedOption[] =>
  [...new Map(options.toReversed().map((option) => [option.name, option])).values()].toReversed()

function describe(name: string, members: readonly Schema[], required: boolean, root: Schema): DescribedOption {
  const told = (key: string): unknown => members.find((member) => member[key] !== undefined)?.[key]
  const examples = told('examples')
  const description = told('description')
  const values = members.flatMap((member) => valuesOf(member))
  return {
    name,
    type: typeOf({anyOf: members}, root),
    required,
    isText: members.length > 0 && members.every((member) => isText(member, root)),
    ...(typeof description === 'string' && {description}),
    ...(told('default') !== undefined && {default: told('default')}),
    ...(Array.isArray(examples) && examples.length > 0 && {example: examples[0] as unknown}),
    ...(values.length > 0 && {values}),
  }
}

/** Editors show what `enumDescriptions` says beside each value; so does `sources show`. */
function valuesOf(schema: Schema): NonNullable<DescribedOption['values']> {
  if ('const' in schema) return [{value: schema['const']}]
  const descriptions = listOf(schema, 'enumDescriptions')
  return listOf(schema, 'enum').map((value, index) => {
    const description = descriptions[index]
    return {value, ...(typeof description === 'string' && {description})}
  })
}

/** Writes a value as lorchestra.yaml could. */
export const showValue = (value: unknown): string =>
  typeof value === 'string' && value !== '' ? value : JSON.stringify(value)

const isText = (schema: Schema, root: Schema): boolean => {
  const inner = alternativesOf(schema, root)
  if (inner.length > 0) return inner.every((each) => isText(each, root))
  if (schema['type'] === 'string') return true
  const values = valuesOf(schema)
  return values.length > 0 && values.every(({value}) => typeof value === 'string')
}

function typeOf(schema: Schema, root: Schema): string {
  const values = valuesOf(schema)
  if (values.length > 0) return values.map(({value}) => showValue(value)).join(' | ')
  const inner = alternativesOf(schema, root)
  const fixed = inner.every((each) => valuesOf(each).length > 0)
  if (inner.length > 0) return [...new Set(inner.map((each) => typeOf(each, root)))].join(fixed ? ' | ' : ' or ')
  switch (schema['type']) {
    case 'string':
      return schema['format'] === 'uri' ? 'address' : 'text'
    case 'integer':
      return 'whole number'
    case 'number':
      return 'number'
    case 'boolean':
      return 'true | false'
    case 'array':
      return isPlainObject(schema['items']) ? `list of ${typeOf(schema['items'], root)}` : 'list'
    case 'object':
      return 'keys with values'
    case 'null':
      return 'nothing'
    default:
      return 'any value'
  }
}

/** The objects that a schema describes, one for each alternative. */
function variantsOf(schema: Schema, root: Schema): readonly Schema[] {
  if (isPlainObject(schema['properties'])) return [schema]
  return alternativesOf(schema, root).flatMap((each) => variantsOf(each, root))
}

/** A schema that refers to itself describes no end of options. */
function alternativesOf(schema: Schema, root: Schema): readonly Schema[] {
  const {$ref: reference} = schema
  if (typeof reference === 'string') {
    const found = reference.startsWith('#/$defs/') ? root['$defs'] : undefined
    const target = isPlainObject(found) ? found[reference.slice('#/$defs/'.length)] : undefined
    return isPlainObject(target) && !JSON.stringify(target).includes(JSON.stringify(reference)) ? [target] : []
  }
  return ['anyOf', 'oneOf', 'allOf'].flatMap((key) => listOf(schema, key).filter(isPlainObject))
}

const propertiesOf = (schema: Schema): Schema => {
  const {properties} = schema
  return isPlainObject(properties) ? properties : {}
}

const listOf = (schema: Schema, key: string): readonly unknown[] => {
  const list = schema[key]
  return Array.isArray(list) ? list : []
}
