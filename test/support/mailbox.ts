import {createHash} from 'node:crypto'

import {bytesOf, file, headerText, multipart, text, type Header, type Part} from './mime.ts'

/** One message as a mailbox holds it; `raw` is RFC 2822. */
export interface MailboxMessage {
  readonly id: string
  readonly threadId: string
  readonly received: Date
  readonly labels: readonly string[]
  readonly raw: Buffer
}

export interface MailboxOptions {
  /** Only the recent messages depend on it. */
  readonly now: Date
  readonly owner?: string
  /** How many of the messages lie within the seven days before `now`. */
  readonly recent?: number
  readonly seed?: string
}

/** What a kind of message is made of. Everything else is the same for all kinds. */
interface Draft {
  readonly subject: string
  readonly from?: string
  readonly charset?: string
  readonly headers?: readonly Header[]
  readonly part: Part
  readonly labels?: readonly string[]
  /** Several messages with the same topic make a thread. */
  readonly topic?: string
}

interface Scene {
  readonly number: number
  readonly boundary: string
  readonly owner: string
  readonly received: Date
  readonly bytes: (size: number) => Buffer
}

const FIRST = Date.parse('2019-01-07T06:00:00Z')
const LAST = Date.parse('2025-06-30T18:00:00Z')
const DAY = 86_400_000

/** A varied mailbox, oldest message first: the same for the same arguments, down to the byte. */
export function mailbox(count: number, options: MailboxOptions): readonly MailboxMessage[] {
  const {now, owner = 'ada@example.com', seed = 'mailbox', recent = Math.min(12, Math.ceil(count / 5))} = options
  const digest = (purpose: string): Buffer => createHash('sha256').update(`${seed}/${purpose}`).digest()
  const threads = new Map<string, {readonly id: string; readonly messageIds: string[]}>()
  return Array.from({length: count}, (_, number) => {
    const id = `1${digest(`id/${number}`).toString('hex').slice(0, 15)}`
    const jitter = digest(`time/${number}`).readUInt32BE() / 2 ** 32
    const received = receivedAt(number, jitter, {count, recent, now})
    const scene = {
      number,
      owner,
      received,
      boundary: `=_part_${id}`,
      bytes: (size: number) => createHash('shake256', {outputLength: size}).update(`${seed}/bytes/${number}`).digest(),
    }
    const kind = KINDS[number % KINDS.length]
    if (kind === undefined) throw new Error('there are no kinds of messages')
    const draft = kind(scene)
    const messageId = `<${id}@mail.example.com>`
    const thread = threads.get(draft.topic ?? id) ?? {id, messageIds: []}
    const raw = bytesOf({
      headers: [...headersOf(draft, scene, messageId, thread.messageIds), ...draft.part.headers],
      body: draft.part.body,
    })
    threads.set(draft.topic ?? id, thread)
    thread.messageIds.push(messageId)
    return {id, threadId: thread.id, received, labels: draft.labels ?? ['INBOX'], raw}
  })
}

function receivedAt(
  number: number,
  jitter: number,
  {count, recent, now}: {readonly count: number; readonly recent: number; readonly now: Date},
): Date {
  const old = count - recent
  if (number < old) return new Date(Math.floor(FIRST + ((LAST - FIRST) * (number + jitter)) / old))
  // Between seven days and one hour before now.
  const age = 6.9 * DAY * (1 - (number - old + jitter) / recent) + DAY / 24
  return new Date(Math.floor(now.getTime() - age))
}

function headersOf(draft: Draft, {owner, received}: Scene, messageId: string, earlier: readonly string[]): Header[] {
  const reply = earlier.length > 0
  const subject = reply ? `Re: ${draft.subject}` : draft.subject
  return [
    ['Received', `from mx.example.net by mail.example.com with ESMTPS id ${messageId.slice(1, 9)}`],
    ['From', draft.from ?? 'Grace Hopper <grace@example.org>'],
    ['To', owner],
    ['Subject', headerText(subject, draft.charset)],
    ['Date', received.toUTCString().replace('GMT', '+0000')],
    ['Message-ID', messageId],
    ...(reply ? [['In-Reply-To', earlier.at(-1) ?? ''] as const] : []),
    ...(reply ? [['References', earlier.join('\r\n ')] as const] : []),
    ...(draft.headers ?? []),
    ['MIME-Version', '1.0'],
  ]
}

const charsetKind = (
  charset: string,
  encoding: '7bit' | '8bit' | 'quoted-printable' | 'base64',
  name: string,
  subject: string,
  body: string,
) => {
  return (): Draft => ({
    subject,
    charset,
    from: `${headerText(name, charset)} <writer@example.org>`,
    part: text(body, {charset, encoding}),
  })
}

const FILES = [
  {name: 'invoice.pdf', type: 'application/pdf', size: 40_000},
  {name: 'empty.txt', type: 'text/plain', size: 0},
  {name: 'Übersicht März.xlsx', type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', size: 9000},
  {name: 'backup.zip', type: 'application/zip', size: 700_000},
  {name: '写真.jpg', type: 'image/jpeg', size: 120_000},
  {name: 'one-byte.bin', type: 'application/octet-stream', size: 1},
]

const HTML =
  '<html><body><p>Hello <b>Ada</b>, <a href="https://example.org/?a=1&amp;b=2">read on</a>.</p></body></html>'

const KINDS: readonly ((scene: Scene) => Draft)[] = [
  ({number}) => ({subject: `Lunch ${number}`, part: text('Shall we meet at noon?\n\nGrace\n')}),
  charsetKind('iso-8859-1', 'quoted-printable', 'Jörg Müller', 'Grüße aus Köln', 'Schöne Grüße = alles gut.\nJörg\n'),
  ({number}) => ({subject: 'Roadmap', topic: 'roadmap', part: text(`> earlier\n\nPoint ${number}: agreed.\n`)}),
  charsetKind('windows-1252', '8bit', 'Zoë', '“Smart” quotes – €5', 'It’s “fine” – only €5…\n'),
  charsetKind(
    'iso-2022-jp',
    '7bit',
    '山田太郎',
    '会議のお知らせ',
    '明日の会議は十時からです。\nよろしくお願いします。\n',
  ),
  ({boundary}) => ({
    subject: 'Your weekly digest',
    from: 'News <news@lists.example.org>',
    headers: [
      ['List-Unsubscribe', '<mailto:leave@lists.example.org>'],
      ['Precedence', 'bulk'],
    ],
    labels: ['INBOX', 'CATEGORY_PROMOTIONS'],
    part: multipart('alternative', boundary, [
      text('Hello Ada, read on.\n'),
      text(HTML, {type: 'text/html', encoding: 'quoted-printable'}),
    ]),
  }),
  ({number, boundary, bytes}) => {
    const chosen = FILES[Math.floor(number / KINDS.length) % FILES.length] ?? {name: 'a.bin', type: 'a/b', size: 9}
    const attached = file(chosen.name, chosen.type, bytes(chosen.size))
    return {subject: `File ${number}`, part: multipart('mixed', boundary, [text('See the file.\n'), attached])}
  },
  charsetKind('gb18030', 'base64', '王小明', '合同草案', '请查收附件，谢谢！\n'),
  ({boundary, bytes}) => ({
    subject: 'With a picture',
    part: multipart('related', boundary, [
      text('<p>Look: <img src="cid:logo@example.org"></p>', {type: 'text/html'}),
      file('logo.png', 'image/png', bytes(2400), 'logo@example.org'),
    ]),
  }),
  () => ({subject: '', part: text('')}),
  ({number}) => ({subject: `Very long: ${'what a long subject '.repeat(110)}${number}`, part: text('Short body.\n')}),
  () => ({subject: 'Lines\u2028apart', part: text('One\u2028two\u2029three\u0085four\n')}),
  ({number}) => ({subject: 'Roadmap', topic: 'roadmap', labels: ['SENT'], part: text(`My answer ${number}.\n`)}),
  () => ({subject: '🎉 Party 👩‍👩‍👧‍👦 🇩🇪', part: text('Bring cake 🍰 and 👍🏽!\n', {encoding: 'base64'})}),
  () => ({subject: 'שלום, مرحبا', part: text('\u202Bשלום עולם\u202C\nمرحبا بالعالم\n')}),
  charsetKind('koi8-r', 'base64', 'Иван Петров', 'Отчёт за март', 'Привет!\nОтчёт готов.\n'),
  ({boundary, owner, received, number}) => ({
    subject: 'Invitation: planning',
    part: multipart('mixed', boundary, [
      text('You are invited.\n'),
      text(
        `BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:${number}@example.org\nDTSTART:${received
          .toISOString()
          .replaceAll(/[-:]|\.\d+/g, '')}\nATTENDEE:mailto:${owner}\nEND:VEVENT\nEND:VCALENDAR\n`,
        {type: 'text/calendar; method=REQUEST'},
      ),
    ]),
  }),
  ({boundary, number}) => ({
    subject: 'Undelivered Mail Returned to Sender',
    from: 'Mail Delivery System <MAILER-DAEMON@mx.example.net>',
    headers: [['Auto-Submitted', 'auto-replied']],
    part: multipart('report; report-type=delivery-status', boundary, [
      text('The message could not be delivered.\n'),
      text(`Final-Recipient: rfc822; nobody${number}@example.net\nAction: failed\nStatus: 5.1.1\n`, {
        type: 'message/delivery-status',
        encoding: '7bit',
      }),
      text('Subject: Hello\nFrom: ada@example.com\n', {type: 'text/rfc822-headers', encoding: '7bit'}),
    ]),
  }),
  ({number}) => ({subject: 'Budget', topic: `budget/${number % 3}`, part: text(`Figures ${number}\n`)}),
  charsetKind('euc-kr', 'base64', '김철수', '안녕하세요', '회의 자료를 보냅니다.\n'),
  ({number}) => ({
    subject: `HTML only ${number}`,
    part: text(HTML.repeat(40), {type: 'text/html', encoding: 'base64'}),
  }),
  charsetKind('windows-1255', 'quoted-printable', 'דוד', 'עדכון שבועי', 'שלום לכולם\n'),
  () => ({subject: 'You have won', labels: ['SPAM'], from: 'Prize <win@example.net>', part: text('Click here.\n')}),
  ({number}) => ({subject: `Thrown away ${number}`, labels: ['TRASH'], part: text('Old.\n')}),
]
