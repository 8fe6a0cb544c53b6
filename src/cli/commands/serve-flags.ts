/** The flags of `serve`, declared once: its own fast parser and the help both read them. */
export const serveFlags: readonly {
  readonly name: string
  readonly value: string
  readonly many: boolean
  readonly doc: string
}[] = [
  { name: 'config', value: 'file', many: false, doc: 'the configuration; without it, the built-in defaults' },
  { name: 'listen', value: 'address', many: true, doc: 'IP:port in place of `listen`; may be given more than once' },
  { name: 'upstream', value: 'server', many: true, doc: 'in place of `upstreams`; may be given more than once' },
  { name: 'admin', value: 'address', many: false, doc: 'IP:port in place of `admin.listen`' },
  { name: 'udp', value: 'engine', many: false, doc: 'epoll or dgram; without it, epoll wherever that works' },
]
