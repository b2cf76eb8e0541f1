//! Templates of inputs, prompts and tool bodies: the part of Go's text templates that Ark objects use.
//!
//! `{{.name}}` and `{{.path.to.member}}` stand for values, `{{- ` and ` -}}` trim white space as in Go, and
//! `{{/* … */}}` is a comment. Pipelines, conditions and loops are refused with their text; so is a name without a
//! value, where Go would write `<no value>` into the prompt.

use std::borrow::Cow;

/// Why a template cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("its template opens an action that it does not close: `{0}`")]
    Unclosed(String),
    /// Anything but a name.
    #[error("its template has an action that is not supported: `{{{{{0}}}}}`")]
    Unsupported(String),
    /// No value of that name.
    #[error("its template refers to `{0}`, which has no value")]
    Missing(String),
}

/// Fills in a template; text without `{{` is borrowed as it is.
///
/// `value` gets the path of each name, at least one segment long.
pub fn render<'t>(
    template: &'t str,
    value: impl Fn(&[&str]) -> Option<String>,
) -> Result<Cow<'t, str>, TemplateError> {
    let Some((literal, mut rest)) = template.split_once("{{") else {
        return Ok(Cow::Borrowed(template));
    };
    let mut rendered = String::with_capacity(template.len());
    rendered.push_str(literal);
    loop {
        let (action, after) = rest.split_once("}}").ok_or_else(|| {
            let beginning: String = rest.chars().take(40).collect();
            TemplateError::Unclosed(format!("{{{{{beginning}"))
        })?;
        let (action, trims_before) = match action.strip_prefix("- ") {
            Some(action) => (action, true),
            None => (action, false),
        };
        let (action, trims_after) = match action.strip_suffix(" -") {
            Some(action) => (action, true),
            None => (action, false),
        };
        if trims_before {
            rendered.truncate(rendered.trim_end().len());
        }
        push_action(&mut rendered, action.trim(), &value)?;
        let after = if trims_after {
            after.trim_start()
        } else {
            after
        };
        match after.split_once("{{") {
            Some((literal, next)) => {
                rendered.push_str(literal);
                rest = next;
            }
            None => {
                rendered.push_str(after);
                return Ok(Cow::Owned(rendered));
            }
        }
    }
}

fn push_action(
    rendered: &mut String,
    action: &str,
    value: impl Fn(&[&str]) -> Option<String>,
) -> Result<(), TemplateError> {
    if action.starts_with("/*") && action.ends_with("*/") {
        return Ok(());
    }
    let path = action.strip_prefix('.').unwrap_or_default();
    let path: Vec<&str> = path.split('.').collect();
    if !path.iter().all(|segment| is_name(segment)) {
        return Err(TemplateError::Unsupported(action.to_owned()));
    }
    let value = value(&path).ok_or_else(|| TemplateError::Missing(path.join(".")))?;
    rendered.push_str(&value);
    Ok(())
}

/// Go takes letters, digits and underscores; a dash cannot be part of a name there.
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    let begins_well = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    begins_well && chars.all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, wanted: &Result<&str, TemplateError>) {
        let rendered = render(template, |path| match path {
            ["name"] => Some("Ann".into()),
            ["input", "city"] => Some("Hull {{.name}}".into()),
            _ => None,
        });
        assert_eq!(
            rendered.as_deref(),
            wanted.as_ref().map(|text| &**text),
            "{template}"
        );
    }

    #[test]
    fn names_are_replaced_and_values_are_not_read_again() {
        check("Hello {{.name}}!", &Ok("Hello Ann!"));
        check("{{ .name }}{{.name}}", &Ok("AnnAnn"));
        check("{{.input.city}}", &Ok("Hull {{.name}}"));
        check("no braces } {", &Ok("no braces } {"));
        check("äöü {{.name}} ß", &Ok("äöü Ann ß"));
    }

    #[test]
    fn dashes_trim_and_comments_vanish() {
        check("a \n{{- .name -}}\n b", &Ok("aAnnb"));
        check("a{{/* why */}}b", &Ok("ab"));
    }

    #[test]
    fn whatever_cannot_be_filled_in_is_an_error_that_shows_it() {
        check(
            "a {{.nobody}}",
            &Err(TemplateError::Missing("nobody".into())),
        );
        check("a {{.name", &Err(TemplateError::Unclosed("{{.name".into())));
        let unsupported = [
            "if .name",
            ".name | upper",
            ".",
            "",
            "name",
            ".a-b",
            "printf \"x\"",
        ];
        for action in unsupported {
            let error = TemplateError::Unsupported(action.into());
            check(&format!("{{{{{action}}}}}"), &Err(error));
        }
    }
}
