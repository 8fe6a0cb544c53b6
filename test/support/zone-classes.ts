/** Names for the differential run that only a real zone can hold: signed ones, DNAME, labels with a dot, and answers too large for UDP. */
import type { NameClasses } from './name-classes.ts'
import type { ZoneSink } from './zone-sinks.ts'

const signed = 'signed.example.org'
const until = '20380101000000 20200101000000 1'

export function addZoneClasses(classes: NameClasses, sink: ZoneSink, count: number): void {
  addSigned(classes, sink, count)
  addDnames(classes, sink, count)
  for (let i = 0; i < 20; i++) {
    const big = `big${i}.example.com`
    sink.host(
      big,
      Array.from({ length: 60 + i }, (_, n) => `192.0.2.${n + 1}`),
    )
    classes.ask('big', big, 'A', 'AAAA')
    // One label that reads like two: not junk, and no cluster's name.
    const dotted = `x${i}.svc.cluster\\.local.${i % 2 === 0 ? 'example.org' : 'example.com'}`
    sink.host(dotted, ['192.0.2.9'])
    classes.ask('dot-in-label', dotted, 'A', 'AAAA')
  }
}

/** The signatures are noise: nobody validates here, but all of a proof must come through. */
function addSigned(classes: NameClasses, sink: ZoneSink, count: number): void {
  const names = Array.from({ length: count }, (_, i) => `s${String(i).padStart(4, '0')}.${signed}`)
  const sign = (name: string, type: string, labels: number): void => {
    const noise = Buffer.from(`${type} of ${name}`.padEnd(64, '.')).toString('base64')
    sink.record(signed, `${name}. 300 RRSIG ${type} 13 ${labels} 300 ${until} ${signed}. ${noise}`)
  }
  sink.record(signed, `${signed}. 300 NSEC ${names[0]}. NS SOA RRSIG NSEC`)
  for (const type of ['SOA', 'NS', 'NSEC']) sign(signed, type, 3)
  names.forEach((name, i) => {
    sink.host(name, [`192.0.2.${1 + (i % 250)}`])
    sink.record(signed, `${name}. 300 NSEC ${names[i + 1] ?? signed}. A RRSIG NSEC`)
    for (const type of ['A', 'NSEC']) sign(name, type, 4)
    classes.ask('signed', name, 'A', 'AAAA')
    classes.proof('signed-proof', i % 2 === 0 ? name : name.replace('.', 'x.'), 'A', 'AAAA', 'DS')
  })
}

function addDnames(classes: NameClasses, sink: ZoneSink, count: number): void {
  sink.record('old.example.com', 'old.example.com. 60 DNAME new.example.com.')
  for (let i = 0; i < count; i++) {
    const label = classes.word()
    if (i % 2 === 0) sink.host(`${label}.new.example.com`, classes.addresses(), 40)
    classes.ask('dname', `${label}.old.example.com`, 'A', 'AAAA')
  }
}
