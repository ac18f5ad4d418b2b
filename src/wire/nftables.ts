import { layout, u16be, u32be, u8 } from './layout.ts';
import { type NetlinkWriter, NLM_F } from './netlink.ts';

/**
 * nf_tables over nfnetlink (Linux `include/uapi/linux/netfilter/nf_tables.h`), as far as dropping traffic to a set of
 * addresses, and IGMP reports that leave by some interfaces, needs it. Numbers inside attributes are big-endian, unlike the rest of netlink.
 */

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NFPROTO_INET = 1;

const MSG = {
  newTable: 0,
  delTable: 2,
  newChain: 3,
  newRule: 6,
  newSet: 9,
  newElements: 12,
  delElements: 14,
};
const TABLE = { name: 1, flags: 2 };
const CHAIN = { table: 1, name: 3, hook: 4, policy: 5, type: 7 };
const HOOK = { number: 1, priority: 2 };
const RULE = { table: 1, chain: 2, expressions: 4 };
const SET = { table: 1, name: 2, flags: 3, keyType: 4, keyLength: 5, id: 10 };
const ELEMENTS = { table: 1, set: 2, elements: 3, setId: 4 };
const LIST_ELEMENT = 1;
const ELEMENT_KEY = 1;
const DATA = { value: 1, verdict: 2 };
const VERDICT_CODE = 1;
const EXPRESSION = { name: 1, data: 2 };
const META = { destination: 1, key: 2 };
const META_KEY = { oifname: 7, nfproto: 15, l4proto: 16 };
const PAYLOAD = { destination: 1, base: 2, offset: 3, length: 4 };
const PAYLOAD_BASE = { network: 1, transport: 2 };
const COMPARE = { source: 1, operator: 2, data: 3 };
const OPERATOR = { equal: 0, lessOrEqual: 3, greaterOrEqual: 5 };
const LOOKUP = { set: 1, source: 2, setId: 4 };
const IMMEDIATE = { destination: 1, data: 2 };
const REGISTER = { verdict: 0, one: 1 };
const VERDICT = { drop: 0, accept: 1 };
/** Base chains, by the hook's number. */
const CHAIN_OF_HOOK = { input: 1, output: 3 } as const;
/** IFNAMSIZ: names are compared whole, zeros included. */
const NAME_BYTES = 16;
/** The table goes with the socket that made it, and `nft flush ruleset` leaves it alone (Linux 5.12). */
const TABLE_F_OWNER = 2;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
const IPPROTO_IGMP = 2;
const IPPROTO_ICMPV6 = 58;

const nfgenmsg = layout({ family: u8, version: u8, resource: u16be });

/** The two address families of the table, each with a set of the addresses to drop traffic to. */
const SETS = {
  4: { name: 'vips4', id: 1, nfproto: 2, keyType: 7, length: 4, destinationAt: 16 },
  6: { name: 'vips6', id: 2, nfproto: 10, keyType: 8, length: 16, destinationAt: 24 },
} as const;

type AddressSet = (typeof SETS)[4 | 6];

/** One transaction: the kernel does all of it or nothing. */
export class NftTransaction {
  readonly #writer: NetlinkWriter;
  readonly #table: string;
  readonly #firstSequence: number;
  #sequence: number;

  /** Messages are numbered from `sequence` on. */
  constructor(writer: NetlinkWriter, table: string, sequence: number) {
    this.#writer = writer;
    this.#table = table;
    this.#firstSequence = sequence;
    this.#sequence = sequence;
    writer.clear();
    this.#batch(NFNL_MSG_BATCH_BEGIN);
  }

  /** Ends it; the bytes to send are the writer's. Returns how many messages there are. */
  finish(): number {
    this.#batch(NFNL_MSG_BATCH_END);
    return this.#sequence - this.#firstSequence;
  }

  /** Removes the table, if it is there; `owned` must be as it was made. */
  removeTable(owned: boolean): this {
    this.#newTable(owned);
    return this.#message(MSG.delTable, 0, writer => writer.text(TABLE.name, this.#table));
  }

  /** Makes the table, empty. */
  addTable(owned: boolean): this {
    this.#newTable(owned);
    return this;
  }

  /**
   * Traffic to this host's addresses in the sets is dropped, but for neighbour discovery (RFC 9568 §6.4.3: a router that
   * does not accept still answers for its addresses).
   */
  addAddressFilter(): this {
    this.#addChain('input');
    for (const set of Object.values(SETS)) this.#addSet(set);
    this.#rule('input', list => {
      meta(list, META_KEY.nfproto, Uint8Array.of(SETS[6].nfproto));
      meta(list, META_KEY.l4proto, Uint8Array.of(IPPROTO_ICMPV6));
      payload(list, PAYLOAD_BASE.transport, 0, 1);
      compare(list, OPERATOR.greaterOrEqual, Uint8Array.of(NEIGHBOUR_SOLICITATION));
      compare(list, OPERATOR.lessOrEqual, Uint8Array.of(NEIGHBOUR_ADVERTISEMENT));
      verdict(list, VERDICT.accept);
    });
    for (const set of Object.values(SETS))
      this.#rule('input', list => {
        meta(list, META_KEY.nfproto, Uint8Array.of(set.nfproto));
        payload(list, PAYLOAD_BASE.network, set.destinationAt, set.length);
        lookup(list, set);
        verdict(list, VERDICT.drop);
      });
    return this;
  }

  /** IGMP that leaves by one of these interfaces is dropped. */
  addReportFilter(interfaceNames: readonly string[]): this {
    this.#addChain('output');
    for (const name of interfaceNames)
      this.#rule('output', list => {
        const bytes = new Uint8Array(NAME_BYTES);
        bytes.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES - 1));
        meta(list, META_KEY.l4proto, Uint8Array.of(IPPROTO_IGMP));
        meta(list, META_KEY.oifname, bytes);
        verdict(list, VERDICT.drop);
      });
    return this;
  }

  addElements(addresses: readonly Uint8Array[]): this {
    return this.#elements(MSG.newElements, NLM_F.create, addresses);
  }

  removeElements(addresses: readonly Uint8Array[]): this {
    return this.#elements(MSG.delElements, 0, addresses);
  }

  #elements(type: number, flags: number, addresses: readonly Uint8Array[]): this {
    for (const set of Object.values(SETS)) {
      const own = addresses.filter(address => address.length === set.length);
      if (own.length === 0) continue;
      this.#message(type, flags, writer =>
        writer
          .text(ELEMENTS.table, this.#table)
          .text(ELEMENTS.set, set.name)
          .attribute(ELEMENTS.setId, be32(set.id))
          .nested(ELEMENTS.elements, list => {
            for (const address of own)
              list.nested(LIST_ELEMENT, element =>
                element.nested(ELEMENT_KEY, key => key.attribute(DATA.value, address)),
              );
          }),
      );
    }
    return this;
  }

  #newTable(owned: boolean): void {
    this.#message(MSG.newTable, NLM_F.create, writer =>
      writer.text(TABLE.name, this.#table).attribute(TABLE.flags, owned ? be32(TABLE_F_OWNER) : undefined),
    );
  }

  #addSet(set: AddressSet): void {
    this.#message(MSG.newSet, NLM_F.create, writer =>
      writer
        .text(SET.table, this.#table)
        .text(SET.name, set.name)
        .attribute(SET.flags, be32(0))
        .attribute(SET.keyType, be32(set.keyType))
        .attribute(SET.keyLength, be32(set.length))
        .attribute(SET.id, be32(set.id)),
    );
  }

  #addChain(name: keyof typeof CHAIN_OF_HOOK): void {
    this.#message(MSG.newChain, NLM_F.create, writer =>
      writer
        .text(CHAIN.table, this.#table)
        .text(CHAIN.name, name)
        .nested(CHAIN.hook, hook =>
          hook.attribute(HOOK.number, be32(CHAIN_OF_HOOK[name])).attribute(HOOK.priority, be32(0)),
        )
        .attribute(CHAIN.policy, be32(VERDICT.accept))
        .text(CHAIN.type, 'filter'),
    );
  }

  #rule(chain: keyof typeof CHAIN_OF_HOOK, write: (list: NetlinkWriter) => void): void {
    this.#message(MSG.newRule, NLM_F.create | NLM_F.append, writer =>
      writer.text(RULE.table, this.#table).text(RULE.chain, chain).nested(RULE.expressions, write),
    );
  }

  #batch(type: number): void {
    this.#writer
      .begin(type, NLM_F.request, this.#sequence++)
      .struct(nfgenmsg.encode({ family: 0, version: 0, resource: NFNL_SUBSYS_NFTABLES }))
      .end();
  }

  #message(type: number, flags: number, write: (writer: NetlinkWriter) => void): this {
    const writer = this.#writer
      .begin((NFNL_SUBSYS_NFTABLES << 8) | type, NLM_F.request | NLM_F.ack | flags, this.#sequence++)
      .struct(nfgenmsg.encode({ family: NFPROTO_INET, version: 0, resource: 0 }));
    write(writer);
    writer.end();
    return this;
  }
}

function be32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  u32be.write(new DataView(bytes.buffer), 0, value);
  return bytes;
}

function expression(list: NetlinkWriter, name: string, write: (data: NetlinkWriter) => void): void {
  list.nested(LIST_ELEMENT, element => {
    element.text(EXPRESSION.name, name).nested(EXPRESSION.data, write);
  });
}

/** Goes on only if a property of the packet has this value. */
function meta(list: NetlinkWriter, key: number, value: Uint8Array): void {
  expression(list, 'meta', data =>
    data.attribute(META.destination, be32(REGISTER.one)).attribute(META.key, be32(key)),
  );
  compare(list, OPERATOR.equal, value);
}

function payload(list: NetlinkWriter, base: number, offset: number, length: number): void {
  expression(list, 'payload', data =>
    data
      .attribute(PAYLOAD.destination, be32(REGISTER.one))
      .attribute(PAYLOAD.base, be32(base))
      .attribute(PAYLOAD.offset, be32(offset))
      .attribute(PAYLOAD.length, be32(length)),
  );
}

function compare(list: NetlinkWriter, operator: number, value: Uint8Array): void {
  expression(list, 'cmp', data =>
    data
      .attribute(COMPARE.source, be32(REGISTER.one))
      .attribute(COMPARE.operator, be32(operator))
      .nested(COMPARE.data, inner => inner.attribute(DATA.value, value)),
  );
}

function lookup(list: NetlinkWriter, set: AddressSet): void {
  expression(list, 'lookup', data =>
    data
      .text(LOOKUP.set, set.name)
      .attribute(LOOKUP.source, be32(REGISTER.one))
      .attribute(LOOKUP.setId, be32(set.id)),
  );
}

function verdict(list: NetlinkWriter, code: number): void {
  expression(list, 'immediate', data =>
    data
      .attribute(IMMEDIATE.destination, be32(REGISTER.verdict))
      .nested(IMMEDIATE.data, inner =>
        inner.nested(DATA.verdict, chosen => chosen.attribute(VERDICT_CODE, be32(code))),
      ),
  );
}
