//! Whether two domains belong together.

/// Second-level names under which strangers register side by side: where such a name is all that
/// two domains have in common, they have nothing in common. Indonesia's (PANDI) and the usual
/// ones of the region; everything else with one label is a top-level domain anyway.
const PUBLIC: [&str; 17] = [
    "ac.id",
    "biz.id",
    "co.id",
    "desa.id",
    "go.id",
    "mil.id",
    "my.id",
    "net.id",
    "or.id",
    "ponpes.id",
    "sch.id",
    "web.id",
    "com.my",
    "com.sg",
    "com.au",
    "co.uk",
    "co.jp",
];

/// Whether a signature or an envelope's sender of `domain` speaks for an author at `author`: the
/// same domain, or one of the two lies below the other (`mail.dinas.example` for
/// `dinas.example`). Stricter than DMARC's relaxed alignment, which lets sisters speak for each
/// other too: telling sisters from strangers needs a list of all public suffixes. Used only where
/// the domain has no DMARC policy.
pub fn is_aligned(domain: &str, author: &str) -> bool {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let author = author.trim_end_matches('.').to_ascii_lowercase();
    domain == author && !is_public(&domain)
        || is_below(&domain, &author)
        || is_below(&author, &domain)
}

fn is_below(lower: &str, upper: &str) -> bool {
    !is_public(upper)
        && lower
            .strip_suffix(upper)
            .is_some_and(|rest| rest.ends_with('.'))
}

fn is_public(domain: &str) -> bool {
    !domain.contains('.') || PUBLIC.contains(&domain)
}

#[cfg(test)]
mod tests {
    use super::is_aligned;

    #[test]
    fn families_are_aligned_and_neighbours_are_not() {
        for (domain, author, aligned) in [
            ("dinas.example", "dinas.example", true),
            ("Dinas.Example.", "dinas.example", true),
            ("mail.dinas.example", "dinas.example", true),
            ("dinas.example", "kab.dinas.example", true),
            ("a.dinas.example", "b.dinas.example", false),
            ("xdinas.example", "dinas.example", false),
            ("go.id", "dinas.go.id", false),
            ("evil.go.id", "go.id", false),
            ("id", "go.id", false),
            ("", "dinas.example", false),
            ("amazonses.com", "dinas.example", false),
        ] {
            assert_eq!(is_aligned(domain, author), aligned, "{domain} {author}");
        }
    }
}
