//! The scripts of a project, as `sig/repo/project.py` reads them from `pyproject.toml`.

use sig_core::model::closure::normalised;

/// What a project says of one of its scripts.
pub struct Project {
    /// Its name, in the one spelling.
    pub name: String,
    /// The module and what is called in it.
    pub call: (String, String),
}

const DOTS: usize = 1024;

/// What these bytes say of this script.
pub fn read(raw: &[u8], script: &str) -> Result<Project, String> {
    let text = std::str::from_utf8(raw).map_err(|_| "it is not UTF-8".to_owned())?;
    if text.split('\n').any(|line| line.matches('.').count() > DOTS) {
        return Err(format!("a line of more than {DOTS} dots"));
    }
    let said: toml::Table =
        text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let project = said.get("project").and_then(toml::Value::as_table);
    let name = project.and_then(|it| it.get("name")).and_then(toml::Value::as_str);
    let scripts = project.and_then(|it| it.get("scripts")).and_then(toml::Value::as_table);
    let call = scripts.and_then(|it| it.get(script)).and_then(toml::Value::as_str);
    let name = name.ok_or("it has no [project] with a name")?;
    let call = call.ok_or_else(|| format!("it has no script {script}"))?;
    let plain = call.split('[').next().unwrap_or_default();
    let (module, function) = plain.split_once(':').unwrap_or((plain, ""));
    let (module, function) = (module.trim(), function.trim());
    if !is_dotted(module) || !is_dotted(function) {
        return Err(format!("the script {script} is not MODULE:FUNCTION"));
    }
    Ok(Project {
        name: normalised(name).map_err(|error| error.message().to_owned())?,
        call: (module.to_owned(), function.to_owned()),
    })
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(|part| {
        part.bytes().next().is_some_and(|one| one.is_ascii_alphabetic() || one == b'_')
            && part.bytes().all(|one| one.is_ascii_alphanumeric() || one == b'_')
    })
}
