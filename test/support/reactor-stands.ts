import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicClock } from '../../src/base/clock.ts'
import type { Reactor } from '../../src/net/reactor.ts'
import { createEpollReactor } from '../../src/net/reactor-epoll.ts'
import { createNodeReactor } from '../../src/net/reactor-node.ts'
import { openSys, type Sys } from '../../src/net/sys.ts'
import { fairWeather, SimWorld } from './reactor-sim.ts'

/** A reactor and what its test needs beside it. */
export interface Stand {
  readonly reactor: Reactor
  readonly sys: Sys | undefined
  kick(): void
  /** Lets about a millisecond pass. */
  step(): Promise<void>
  close(): void
}

const sys = openSys()
/** By name; `skip` says why one can't run here. */
export const stands: Record<string, { skip: string | false; start: () => Stand }> = {
  epoll: { skip: typeof sys === 'string' && sys, start: () => epollStand(sys as Sys) },
  dgram: { skip: false, start: dgramStand },
  simulation: { skip: false, start: simStand },
}

function epollStand(libc: Sys): Stand {
  const clock = monotonicClock()
  const kickFd = libc.eventfd()
  const fds = new Int32Array(new SharedArrayBuffer(4 * 64))
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const reactor = createEpollReactor({ sys: libc, clock, stop, kickFd, fds })
  return {
    reactor,
    sys: libc,
    kick: () => libc.kick(kickFd),
    step: () => sleep(1),
    close() {
      reactor.stop()
      reactor.run(() => Infinity)
      setImmediate(() => libc.close(kickFd))
    },
  }
}

function dgramStand(): Stand {
  const clock = monotonicClock()
  const reactor = createNodeReactor({ clock, stop: new Int32Array(new SharedArrayBuffer(4)) })
  return {
    reactor,
    sys: undefined,
    kick: () => reactor.kick(),
    step: () => sleep(1),
    close() {
      reactor.stop()
      reactor.run(() => Infinity)
    },
  }
}

function simStand(): Stand {
  const world = new SimWorld({ seed: 7, weather: { ...fairWeather, delayMax: fairWeather.delayMin } })
  const reactor = world.reactor()
  return {
    reactor,
    sys: undefined,
    kick: () => reactor.kick(),
    step: async () => world.advance(1),
    close: () => reactor.stop(),
  }
}
