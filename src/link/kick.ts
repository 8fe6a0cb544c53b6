import type { Sys } from '../net/sys.ts'

/** Wakes a thread that sleeps in epoll_wait. Where it lives on Node's loop there is no eventfd (-1), and the message itself wakes it. */
export function kick(sys: Sys | undefined, kickFd: number): void {
  if (sys !== undefined && kickFd >= 0) sys.kick(kickFd)
}
