// JSONata expressions and inputs from a seed, as trees, so that what differs can be made
// smaller. A tree is a text, or a list of trees, which reads as its parts one after the other.

/** mulberry32: the same seed gives the same numbers everywhere. */
export function randomFrom(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

export const textOf = (tree) => (typeof tree === 'string' ? tree : tree.map(textOf).join(''));

const NAMES = ['a', 'b', 'c', 'name', 'qty', 'items', 'tags'];
const NUMBERS = ['0', '1', '2', '3', '-1', '0.5', '10', '1.25', '100', '1e3', '12345.678', '0.1'];
const STRINGS = ['""', '"a"', '"b"', '"Hello World"', "'x-y-z'", '"10"', '"3.50"', '"ä€😀"', '"true"', '" two  words "'];
const REGEXES = ['/a/', '/[a-z]+/', '/(o)(.)/', '/\\s/', '/l/i', '/^H/', '/x|y/', '/(\\d+)/', '/[^-]+/'];
const NUMBER_PICTURES = ["'0'", "'#,##0.00'", "'00'", "'0.0e0'", "'#'", "'01%'", "'#0;(#0)'", "'0.###'", "'#,###'"];
const INTEGER_PICTURES = ["'1'", "'w'", "'W'", "'Ww'", "'i'", "'I'", "'a'", "'A'", "'001'", "'#,##0'", "'1;o'", "'w;o'"];
const DATE_PICTURES = ["'[Y0001]-[M01]-[D01]'", "'[D] [MNn] [Y]'", "'[H01]:[m01]:[s01].[f001]'", "'[FNn,*-3] [D1o]'",
    "'[h]:[m01] [P]'", "'[W] [d] [w]'", "'[Y,2-2][M][D][Z]'", "'[MN,*-3]'", "'[YI] [Dwo]'"];
const TIMES = ["'2024-03-09T10:15:30.123Z'", "'1970-01-01T00:00:00Z'", "'2001-12-31'", "'2018'", "'not a time'"];

/** One generator: everything that is random comes from `random`. */
export class Expressions {
    constructor(random) {
        this.random = random;
        this.names = 0;
        this.variables = [];
    }

    below(n) { return Math.floor(this.random() * n); }
    pick(list) { return list[this.below(list.length)]; }
    chance(p) { return this.random() < p; }
    list(from, to, make) { return Array.from({ length: from + this.below(to - from + 1) }, make); }

    /** A value for the input. */
    value(depth = 3) {
        const kind = this.below(depth > 0 ? 12 : 7);
        if (kind < 2) return Number(this.pick(NUMBERS));
        if (kind < 5) return JSON.parse(this.pick(STRINGS).replaceAll("'", '"'));
        if (kind === 5) return this.chance(0.5);
        if (kind === 6) return this.chance(0.4) ? null : this.below(20);
        if (kind < 9) return this.list(0, 4, () => this.value(depth - 1));
        return this.record(depth - 1);
    }

    record(depth) {
        return Object.fromEntries(this.list(1, 4, () => [this.pick(NAMES), this.value(depth)]));
    }

    input() {
        return this.chance(0.8) ? { ...this.record(3), items: this.list(1, 4, () => this.record(1)) } : this.value();
    }

    // ---- expressions

    expression(depth) {
        if (depth <= 0) return this.leaf();
        const kinds = ['leaf', 'path', 'path', 'path', 'binary', 'binary', 'array', 'object', 'block', 'condition',
            'call', 'call', 'call', 'higher', 'higher', 'lambda', 'chain', 'transform', 'order', 'group', 'range'];
        return this[this.pick(kinds)](depth);
    }

    leaf() {
        const kind = this.below(12);
        if (kind < 3) return this.pick(NUMBERS);
        if (kind < 5) return this.pick(STRINGS);
        if (kind === 5) return this.pick(['true', 'false', 'null', '[]', '{}', 'nothing']);
        if (kind === 6) return this.pick(['$', '$$', '*', '**']);
        if (kind === 7 && this.variables.length) return '$' + this.pick(this.variables);
        return this.pick(NAMES);
    }

    /** With parentheses, mostly; without, precedence decides. */
    part(depth) {
        const inner = this.expression(depth - 1);
        return typeof inner === 'string' || this.chance(0.2) ? [inner] : ['(', inner, ')'];
    }

    binary(depth) {
        const operator = this.pick(['+', '-', '*', '/', '%', '=', '!=', '<', '<=', '>', '>=', '&', 'and', 'or', 'in', '??', '?:']);
        return [this.part(depth), ` ${operator} `, this.part(depth)];
    }

    array(depth) {
        return ['[', this.separated(this.list(0, 3, () => this.expression(depth - 1))), ']'];
    }

    range() {
        return ['[', this.pick(['0', '1', '-2', 'qty']), '..', this.pick(['3', '5', '0', 'a']), ']'];
    }

    separated(trees) {
        return trees.flatMap((tree, i) => (i ? [', ', tree] : [tree]));
    }

    pairs(depth) {
        return this.separated(this.list(0, 3, () => [this.chance(0.7) ? `"${this.pick(NAMES)}"` : this.part(depth),
            ': ', this.expression(depth - 1)]));
    }

    object(depth) { return ['{', this.pairs(depth), '}']; }

    block(depth) {
        const name = `v${this.names++}`;
        const value = this.expression(depth - 1);
        this.variables.push(name);
        const rest = this.list(1, 2, () => this.expression(depth - 1));
        this.variables.pop();
        return ['(', `$${name} := `, value, '; ', rest.flatMap((tree, i) => (i ? ['; ', tree] : [tree])), ')'];
    }

    condition(depth) {
        return this.chance(0.8) ? [this.part(depth), ' ? ', this.part(depth), ' : ', this.part(depth)]
            : [this.part(depth), ' ? ', this.part(depth)];
    }

    step(depth) {
        const kind = this.below(14);
        if (kind < 6) return this.pick(NAMES);
        if (kind === 6) return '*';
        if (kind === 7) return '**';
        if (kind === 8) return this.object(depth);
        if (kind === 9) return ['(', this.expression(depth - 1), ')'];
        if (kind === 10) return '%';
        if (kind === 11) return this.array(depth);
        if (kind === 12) return this.call(depth);
        return '$';
    }

    behind(depth) {
        const kind = this.below(12);
        if (kind === 0) return ['[', this.pick(['0', '1', '-1', '5', '[0,1]', '[0..1]']), ']'];
        if (kind === 1) return ['[', this.expression(depth - 1), ']'];
        if (kind === 2) return ['[', this.pick(NAMES), this.pick([' = ', ' > ', ' != ', ' in ']), this.leaf(), ']'];
        if (kind === 3) return '[]';
        if (kind === 4) return [`#$i${this.names}`];
        if (kind === 5) return [`@$f${this.names}`];
        return '';
    }

    path(depth) {
        const steps = [this.chance(0.8) ? [this.pick(['$', '$$', ...NAMES])] : this.part(depth), this.behind(depth)];
        for (let i = this.below(3); i >= 0; i--) steps.push('.', this.step(depth), this.behind(depth));
        return steps;
    }

    order(depth) {
        const terms = this.list(1, 2, () => [this.pick(['<', '>', '']), this.chance(0.8) ? this.pick(NAMES) : this.expression(depth - 1)]);
        return [this.part(depth), '^(', this.separated(terms), ')', this.behind(depth)];
    }

    group(depth) { return [this.part(depth), '{', this.pairs(depth), '}']; }

    transform(depth) {
        return [this.part(depth), ' ~> |', this.pick(['$', 'items', 'a', '**']), '|', this.object(depth),
            this.chance(0.3) ? [', ', this.pick(['"a"', '["b","c"]', 'name'])] : '', '|'];
    }

    // ---- functions

    function_(parameters, depth) {
        if (parameters === 1 && this.chance(0.3)) return this.pick(['$string', '$number', '$type', '$uppercase', '$sum', '$not', '$abs', '$length']);
        const names = Array.from({ length: parameters }, () => `p${this.names++}`);
        this.variables.push(...names);
        const body = this.chance(0.4) && parameters === 2 ? `$${names[0]} ${this.pick(['+', '<', '>', '&', '='])} $${names[1]}`
            : this.expression(depth - 1);
        this.variables.length -= parameters;
        return ['function(', names.map((n) => `$${n}`).join(', '), ') { ', body, ' }'];
    }

    higher(depth) {
        const data = this.expression(depth - 1);
        switch (this.below(7)) {
        case 0: return ['$map(', data, ', ', this.function_(1 + this.below(3), depth), ')'];
        case 1: return ['$filter(', data, ', ', this.function_(1 + this.below(2), depth), ')'];
        case 2: return ['$reduce(', data, ', ', this.function_(2, depth), this.chance(0.5) ? [', ', this.leaf()] : '', ')'];
        case 3: return ['$sift(', data, ', ', this.function_(1 + this.below(2), depth), ')'];
        case 4: return ['$each(', data, ', ', this.function_(2, depth), ')'];
        case 5: return ['$sort(', data, ', ', this.function_(2, depth), ')'];
        default: return ['$single(', data, ', ', this.function_(1, depth), ')'];
        }
    }

    lambda(depth) {
        const n = 1 + this.below(2);
        return [this.function_(n, depth), '(', this.separated(Array.from({ length: n }, () => this.expression(depth - 1))), ')'];
    }

    chain(depth) {
        return [this.part(depth), ' ~> ', this.chance(0.5) ? this.pick(['$sum', '$count', '$string', '$keys', '$uppercase', '$reverse', '$distinct'])
            : this.pick(['$substring(1)', '$join("-")', '$append(1)', '$lookup("a")', '$pad(8)', '$zip([1,2])'])];
    }

    call(depth) {
        const any = () => (this.chance(0.5) ? this.leaf() : this.expression(depth - 1));
        const string = () => (this.chance(0.7) ? this.pick(STRINGS) : any());
        const number = () => (this.chance(0.7) ? this.pick(NUMBERS) : any());
        const small = () => this.pick(['0', '1', '2', '3', '-1', '5', '1.5']);
        const regex = () => this.pick(REGEXES);
        const of = (name, ...parts) => [`$${name}(`, this.separated(parts), ')'];
        const maybe = (make) => (this.chance(0.5) ? [make()] : []);
        const calls = [
            () => of(this.pick(['string', 'number', 'boolean', 'not', 'exists', 'type', 'count', 'sum', 'max', 'min',
                'average', 'keys', 'spread', 'merge', 'distinct', 'reverse', 'length', 'trim', 'uppercase', 'lowercase']), any()),
            () => of(this.pick(['abs', 'floor', 'ceil', 'sqrt', 'round']), number()),
            () => of('round', number(), small()),
            () => of('power', number(), small()),
            () => of('substring', string(), small(), ...maybe(small)),
            () => of(this.pick(['substringBefore', 'substringAfter']), string(), string()),
            () => of('pad', string(), this.pick(['5', '-5', '12', '2']), ...maybe(() => this.pick(['"#"', '"ab"', '""']))),
            () => of('contains', string(), this.chance(0.5) ? regex() : string()),
            () => of('split', string(), this.chance(0.5) ? regex() : this.pick(['"-"', '" "', '""', '"o"']), ...maybe(small)),
            () => of('join', any(), ...maybe(string)),
            () => of('match', string(), regex(), ...maybe(small)),
            () => of('replace', string(), this.chance(0.6) ? regex() : this.pick(['"o"', '"-"', '"l"']),
                this.pick(['"_"', '"$0$0"', '"<$1>"', '"$$"', '""', 'function($m) { $m.match & "!" }']), ...maybe(small)),
            () => of('formatNumber', number(), this.pick(NUMBER_PICTURES)),
            () => of('formatBase', number(), ...maybe(() => this.pick(['2', '16', '36', '10', '1']))),
            () => of('formatInteger', number(), this.pick(INTEGER_PICTURES)),
            () => of('parseInteger', this.pick(["'12'", "'twelve'", "'xii'", "'MCMXC'", "'one hundred and five'", "'007'", "'1,234'"]),
                this.pick(INTEGER_PICTURES)),
            () => of('fromMillis', this.pick(['0', '1709979330123', '-1000', '1500000000000']), ...maybe(() => this.pick(DATE_PICTURES))),
            () => of('toMillis', this.pick(TIMES)),
            () => of('append', any(), any()),
            () => of('lookup', any(), this.pick(NAMES.map((n) => `"${n}"`))),
            () => of('zip', any(), any()),
            () => of('sort', any()),
            () => of('base64encode', string()),
            () => of('base64decode', this.pick(['"SGVsbG8="', '""', '"w6Q="'])),
            () => of(this.pick(['encodeUrl', 'encodeUrlComponent', 'decodeUrl', 'decodeUrlComponent']), string()),
            () => of('assert', any(), ...maybe(string)),
            () => of('error', ...maybe(string)),
            () => of('eval', this.pick(['"1 + 2"', '"a"', '"["'])),
            () => of('string', any(), 'true'),
            () => ['$substring(?, 1)(', string(), ')'],
            () => ['($f := function($x, $y) { $x & $y }; $f("p", ?)(', any(), '))'],
            () => ['function($x', this.pick(['', ', $y']), ')<', this.pick(['n:n', 's-:s', 'a<n>:n', 'x?:x', 'nn?:n', '(sn):s']), '>{ $x }(', any(), ')'],
        ];
        return this.pick(calls)();
    }
}

/** A case: an input and an expression over it. */
export function caseOf(seed) {
    const g = new Expressions(randomFrom(seed));
    const data = g.input();
    return { data, tree: g.expression(1 + g.below(4)) };
}

// ---- smaller ones

/** Trees that are smaller than this one by one cut. */
export function* smallerTrees(tree) {
    if (typeof tree === 'string') return;
    for (const part of tree) if (typeof part !== 'string') yield part;
    for (let i = 0; i < tree.length; i++) {
        const put = (part) => [...tree.slice(0, i), part, ...tree.slice(i + 1)];
        if (typeof tree[i] === 'string') {
            if (tree[i].length > 1 || tree.length > 1) yield put('');
            continue;
        }
        for (const leaf of ['1', 'a', '']) if (textOf(tree[i]).length > leaf.length) yield put(leaf);
        for (const smaller of smallerTrees(tree[i])) yield put(smaller);
    }
}

/** Inputs that are smaller than this one by one cut. */
export function* smallerInputs(value) {
    if (value === undefined) return;
    yield undefined;
    if (value === null || typeof value !== 'object') return;
    const keys = Object.keys(value);
    for (const key of keys) yield value[key];
    for (const key of keys) {
        if (Array.isArray(value)) yield value.filter((_, i) => i !== Number(key));
        else yield Object.fromEntries(Object.entries(value).filter(([k]) => k !== key));
        for (const smaller of smallerInputs(value[key])) {
            if (smaller === undefined) continue;
            if (Array.isArray(value)) yield value.map((v, i) => (i === Number(key) ? smaller : v));
            else yield { ...value, [key]: smaller };
        }
    }
}
