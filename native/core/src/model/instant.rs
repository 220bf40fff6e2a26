//! Instants: `YYYY-MM-DDThh:mm:ssZ` on paper, whole seconds since 1970 (UTC) in the program.

use crate::errors::FormatError;

const FORM: &[u8] = b"dddd-dd-ddTdd:dd:ddZ";
const DAY: i64 = 86_400;
const FOUR_CENTURIES: i64 = 146_097; // days
const BEFORE_1970: i64 = 719_468; // days, from the first of March of the year 0

/// Seconds since 1970. Refuses another form, and a day or time that does not exist.
pub fn parse(text: &str) -> Result<i64, FormatError> {
    let formed = text.len() == FORM.len()
        && text.bytes().zip(FORM).all(|(one, &form)| match form {
            b'd' => one.is_ascii_digit(),
            _ => one == form,
        });
    let number =
        |range| text.get(range).and_then(|digits: &str| digits.parse::<i64>().ok()).unwrap_or(-1);
    if !formed {
        return Err(FormatError::new("not an instant like 2026-01-31T23:59:59Z"));
    }
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let (hour, minute, second) = (number(11..13), number(14..16), number(17..19));
    if year < 1
        || !(1..=12).contains(&month)
        || !(1..=days_of(year, month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return Err(FormatError::new("no such day or time"));
    }
    Ok(seconds(days(year, month, day), hour, minute, second))
}

/// The instant as documents and people read it; of the years 1 to 9999.
pub fn write(instant: i64) -> String {
    let (year, month, day) = date(instant.div_euclid(DAY));
    let left = instant.rem_euclid(DAY);
    let (hour, minute, second) = (left / 3600, left / 60 % 60, left % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[allow(clippy::arithmetic_side_effects, reason = "of four digits for the year, two for the rest")]
fn seconds(days: i64, hour: i64, minute: i64, second: i64) -> i64 {
    ((days * 24 + hour) * 60 + minute) * 60 + second
}

/// Days since 1970. Counted in years that start in March, so that a leap day is the last of one.
#[allow(clippy::arithmetic_side_effects, reason = "a year has four digits")]
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - BEFORE_1970
}

/// Year, month and day of a day since 1970.
#[allow(clippy::arithmetic_side_effects, reason = "a day is an instant divided by 86400")]
fn date(day: i64) -> (i64, i64, i64) {
    let day = day + BEFORE_1970;
    let (cycle, day) = (day.div_euclid(FOUR_CENTURIES), day.rem_euclid(FOUR_CENTURIES));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (day * 5 + 2) / 153;
    let of_month = day - (month * 153 + 2) / 5 + 1;
    let year = cycle * 400 + year;
    if month < 10 { (year, month + 3, of_month) } else { (year + 1, month - 9, of_month) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_comes_back() {
        let mut expected = parse("1890-01-01T00:00:00Z").unwrap();
        for year in 1890..=2110 {
            for month in 1..=12 {
                for day in 1..=days_of(year, month) {
                    let text = format!("{year:04}-{month:02}-{day:02}T00:00:00Z");
                    assert_eq!(Ok(expected), parse(&text));
                    assert_eq!(text, write(expected));
                    expected += DAY;
                }
            }
        }
        for instant in (-62_135_596_800..253_402_300_800).step_by(9_999_991) {
            assert_eq!(Ok(instant), parse(&write(instant)));
        }
        assert_eq!(Ok(-62_135_596_800), parse("0001-01-01T00:00:00Z"));
        assert_eq!(Ok(253_402_300_799), parse("9999-12-31T23:59:59Z"));
        assert_eq!("2001-09-09T01:46:40Z", write(1_000_000_000));
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026-01-31T23:59:59",
            "2026-01-31 23:59:59Z",
            "2026-01-31t23:59:59z",
            "+026-01-31T23:59:59Z",
            "2026-01-31T23:59:59Z\n",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-32T00:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T23:60:00Z",
            "2026-01-31T23:59:60Z",
            "0000-01-01T00:00:00Z",
            "２026-01-31T23:59Z",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
