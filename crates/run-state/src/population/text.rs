//! Text as agents exchange it: prose, lists, code, tool arguments, JSON and logs as tool output.
//!
//! What matters to a codec is the mix: runs of plain characters, line ends and quotes that are
//! escaped, and now and then a character beyond ASCII.

/// Random text from a seed.
pub(super) struct Text {
    state: u64,
}

const WORDS: [&str; 48] = [
    "the",
    "query",
    "returns",
    "a",
    "target",
    "after",
    "retry",
    "window",
    "session",
    "with",
    "three",
    "agents",
    "cluster",
    "and",
    "latency",
    "of",
    "service",
    "below",
    "limit",
    "for",
    "each",
    "workspace",
    "deployment",
    "is",
    "stable",
    "under",
    "load",
    "when",
    "queue",
    "drains",
    "because",
    "model",
    "answers",
    "in",
    "time",
    "report",
    "figures",
    "from",
    "last",
    "night",
    "show",
    "no",
    "change",
    "so",
    "far",
    "naïve",
    "while",
    "→",
];

const TOOLS: [(&str, &str); 4] = [
    ("search_documents", "query"),
    ("read_file", "path"),
    ("run_sql", "statement"),
    ("http_get", "url"),
];

impl Text {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// SplitMix64: the whole generator is these few lines, so it never changes with a dependency.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is small enough for the remainder to be fair.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }

    pub(super) fn sentence(&mut self) -> String {
        let n_words = 6 + self.below(12);
        let mut words: Vec<String> = (0..n_words).map(|_| self.word().to_owned()).collect();
        if self.below(6) == 0 {
            words[2] = format!("\"{}\"", words[2]);
        }
        let mut sentence = words.join(" ");
        sentence.push('.');
        sentence
    }

    /// Paragraphs of at least `n_bytes`, and at most a sentence more.
    pub(super) fn prose(&mut self, n_bytes: usize) -> String {
        let mut prose = self.sentence();
        while prose.len() < n_bytes {
            prose.push_str(if self.below(4) == 0 { "\n\n" } else { " " });
            prose.push_str(&self.sentence());
        }
        prose
    }

    /// Prose with lists and code between.
    pub(super) fn answer(&mut self, n_bytes: usize) -> String {
        let mut answer = self.sentence();
        while answer.len() < n_bytes {
            match self.below(4) {
                0 => {
                    let (item, other) = (self.sentence(), self.sentence());
                    answer.push_str(&format!("\n\n- {item}\n- {other}"));
                }
                1 => {
                    let (name, value) = (self.word(), self.below(1_000));
                    let code = "let limit = \"{name}\".parse()?;\n    apply(limit, {value});";
                    let code = code
                        .replace("{name}", name)
                        .replace("{value}", &value.to_string());
                    answer.push_str(&format!("\n\n```rust\n    {code}\n```"));
                }
                _ => {
                    answer.push(' ');
                    answer.push_str(&self.sentence());
                }
            }
        }
        answer
    }

    /// A tool's name and arguments.
    pub(super) fn tool(&mut self) -> (String, String) {
        let (name, field) = TOOLS[self.below(TOOLS.len())];
        let (value, limit) = (self.sentence().replace('"', "'"), self.below(100));
        let arguments = format!(r#"{{"{field}":"{value}","limit":{limit},"strict":true}}"#);
        (name.to_owned(), arguments)
    }

    /// JSON, a log, or prose of at least `n_bytes`, and at most a line more.
    pub(super) fn tool_output(&mut self, n_bytes: usize) -> String {
        match self.below(3) {
            0 => self.json_rows(n_bytes),
            1 => self.log(n_bytes),
            _ => self.prose(n_bytes),
        }
    }

    fn json_rows(&mut self, n_bytes: usize) -> String {
        let mut rows = String::from("[");
        while rows.len() < n_bytes {
            let (id, title, score) = (self.below(100_000), self.sentence(), self.below(1_000));
            let title = title.replace('"', "'");
            rows.push_str(&format!(
                r#"{{"id":{id},"title":"{title}","score":0.{score:03}}},"#
            ));
        }
        rows.pop();
        rows.push(']');
        rows
    }

    fn log(&mut self, n_bytes: usize) -> String {
        let mut log = String::new();
        while log.len() < n_bytes {
            let (hour, second, milli) = (self.below(24), self.below(60), self.below(1_000));
            let (message, took) = (self.sentence(), self.below(900));
            log.push_str(&format!(
                "2025-01-01T{hour:02}:00:{second:02}.{milli:03}Z\tINFO\t{message} took={took}ms\n"
            ));
        }
        log
    }
}
