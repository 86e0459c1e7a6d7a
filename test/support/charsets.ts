const inversions = new Map<string, ReadonlyMap<string, Buffer>>()

/** Encodes text in an old charset, by turning the decoder that Node has around. */
export function encode(text: string, charset: string): Buffer {
  if (charset === 'utf-8') return Buffer.from(text)
  if (charset === 'iso-2022-jp') return encodeJapaneseMail(text)
  const table = inversion(charset)
  return Buffer.concat(Array.from(text, (character) => bytesFor(character, table, charset)))
}

/** Double bytes of EUC-JP without their high bit, between escape sequences that switch the set. */
function encodeJapaneseMail(text: string): Buffer {
  const table = inversion('euc-jp')
  const parts = (text.match(/[\0-\x7F]+|[^\0-\x7F]+/g) ?? []).map((run) => {
    const bytes = Buffer.concat(Array.from(run, (character) => bytesFor(character, table, 'euc-jp')))
    if (bytes.every((byte) => byte < 0x80)) return bytes
    return Buffer.concat([Buffer.from('\x1B$B'), bytes.map((byte) => byte & 0x7f), Buffer.from('\x1B(B')])
  })
  return Buffer.concat(parts)
}

function bytesFor(character: string, table: ReadonlyMap<string, Buffer>, charset: string): Buffer {
  const bytes = character.codePointAt(0)! < 0x80 ? Buffer.from(character) : table.get(character)
  if (bytes === undefined) throw new Error(`${charset} has no ${character}`)
  return bytes
}

function inversion(charset: string): ReadonlyMap<string, Buffer> {
  const known = inversions.get(charset)
  if (known !== undefined) return known
  const decoder = new TextDecoder(charset)
  const table = new Map<string, Buffer>()
  const learn = (...bytes: number[]): boolean => {
    const text = decoder.decode(Uint8Array.from(bytes))
    if (Array.from(text).length !== 1 || text === '\uFFFD' || table.has(text)) return false
    table.set(text, Buffer.from(bytes))
    return true
  }
  for (let lead = 0x80; lead <= 0xff; lead += 1) {
    if (learn(lead)) continue
    for (let trail = 0x40; trail <= 0xff; trail += 1) learn(lead, trail)
  }
  inversions.set(charset, table)
  return table
}
