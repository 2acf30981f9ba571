package leftovers

import "strings"

// A variable is one of a git config file, with the bytes that it takes up.
type variable struct {
	key      string // as git prints it: "section.Sub.name"
	value    string
	noValue  bool
	valueAt  []int // for each byte of value, and for its end, the byte of the file
	from, to int   // from the name's first byte to behind the value and the comment after it, without the line's end
	header   int   // index of its header, -1 before the first
}

// A header is "[section]", "[section.sub]" or '[section "Sub"]'.
type header struct {
	key      string // "section" or "section.Sub"
	sub      string
	subAt    []int // for each byte of sub, and for its end, the byte of the file; nil without quotes
	from, to int
}

// A configFile is what a git config file says, includes not followed.
type configFile struct {
	headers   []header
	variables []variable
	comments  []int // where each begins
}

// configReader reads as git does (git's config.c), and goes on at the next line where git
// gives up: a secret in a broken file is one all the same.
type configReader struct {
	text string
	at   int
	file configFile
}

func readConfig(text string) configFile {
	r := configReader{text: text}
	if strings.HasPrefix(text, "\xef\xbb\xbf") {
		r.at = 3
	}
	for r.at < len(text) {
		c := text[r.at]
		switch {
		case isBlank(c):
			r.at++
		case c == '#' || c == ';':
			r.file.comments = append(r.file.comments, r.at)
			r.skipLine()
		case c == '[':
			if !r.readHeader() {
				r.skipLine()
			}
		case isLetter(c):
			if !r.readVariable() {
				r.skipLine()
			}
		default:
			r.skipLine()
		}
	}
	return r.file
}

// next is the next character, with a line's end as one LF, and with LF for ever after the
// last; from is where it is written.
func (r *configReader) next() (c byte, from int) {
	from = r.at
	if r.at >= len(r.text) {
		return '\n', len(r.text)
	}
	c = r.text[r.at]
	r.at++
	if c == '\r' && r.at < len(r.text) && r.text[r.at] == '\n' {
		c = '\n'
		r.at++
	}
	return c, from
}

func (r *configReader) skipLine() { r.at = lineEnd(r.text, min(r.at, len(r.text))) }

func (r *configReader) readHeader() bool {
	h := header{from: r.at}
	r.at++
	var section strings.Builder
	for {
		c, from := r.next()
		switch {
		case c == ']':
			h.key, h.to = strings.ToLower(section.String()), r.at
			r.file.headers = append(r.file.headers, h)
			return true
		case c == '\n':
			r.at = from
			return false
		case isBlank(c):
			h.key = strings.ToLower(section.String())
			return r.readSub(h)
		case isKey(c) || c == '.':
			section.WriteByte(c)
		default:
			r.at = from
			return false
		}
	}
}

func (r *configReader) readSub(h header) bool {
	c, from := r.next()
	for isBlank(c) && c != '\n' {
		c, from = r.next()
	}
	if c != '"' {
		r.at = from
		return false
	}
	var sub strings.Builder
	for {
		c, from := r.next()
		switch c {
		case '\\':
			c, _ = r.next()
		case '"':
			h.sub, h.subAt = sub.String(), append(h.subAt, from)
			if c, from = r.next(); c != ']' {
				r.at = from
				return false
			}
			h.key, h.to = h.key+"."+h.sub, r.at
			r.file.headers = append(r.file.headers, h)
			return true
		}
		if c == '\n' {
			r.at = from
			return false
		}
		sub.WriteByte(c)
		h.subAt = append(h.subAt, from)
	}
}

func (r *configReader) readVariable() bool {
	v := variable{from: r.at, header: len(r.file.headers) - 1}
	if v.header >= 0 {
		v.key = r.file.headers[v.header].key + "."
	}
	for r.at < len(r.text) && isKey(r.text[r.at]) {
		r.at++
	}
	v.key += strings.ToLower(r.text[v.from:r.at])
	c, from := r.next()
	for c == ' ' || c == '\t' {
		c, from = r.next()
	}
	switch c {
	case '\n':
		v.noValue, v.to, r.at = true, from, from
	case '=':
		if !r.readValue(&v) {
			return false
		}
	default:
		r.at = from
		return false
	}
	r.file.variables = append(r.file.variables, v)
	return true
}

func (r *configReader) readValue(v *variable) bool {
	var value []byte
	var at []int
	quoted, keep := false, 0 // keep: how much of value is left without the blanks at its end
	add := func(c byte, from int) { value, at = append(value, c), append(at, from) }
	last := r.at // behind the last character that counts
	for {
		c, from := r.next()
		switch {
		case c == '\n':
			if quoted {
				r.at = from
				return false
			}
			v.value, v.valueAt, v.to = string(value[:keep]), append(at[:keep:keep], last), from
			r.at = from
			return true
		case isBlank(c) && !quoted:
			if len(value) > 0 {
				add(c, from)
			}
			continue
		case (c == '#' || c == ';') && !quoted:
			r.file.comments = append(r.file.comments, from)
			r.at = from + len(strings.TrimRight(r.text[from:lineEnd(r.text, from)], "\r\n"))
			continue
		case c == '"':
			quoted = !quoted
			last, keep = r.at, len(value)
			continue
		case c == '\\':
			c, _ = r.next()
			keep = len(value) // the blanks before it count
			switch c {
			case '\n':
				continue
			case 't':
				c = '\t'
			case 'b':
				c = '\b'
			case 'n':
				c = '\n'
			case '\\', '"':
			default:
				return false
			}
		}
		add(c, from)
		last, keep = r.at, len(value)
	}
}

// cut takes the characters i to j of a value out of the file; at is where each is written.
// What opens or closes a quote stays.
func cut(text string, at []int, i, j int) *Edit {
	from, to := at[i], at[j]
	with := ""
	for k := from; k < to; k++ {
		switch text[k] {
		case '\\':
			k++
		case '"':
			if with == "" {
				with = `"`
			} else {
				with = ""
			}
		}
	}
	return edit(text, from, to, with)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isKey(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
