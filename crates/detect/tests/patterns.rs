//! Every operator of EventBridge's pattern language, by tables.
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>

#![allow(clippy::unwrap_used, reason = "tests may stop")]

use yagura_detect::pattern::{Pattern, Rules};

fn matches(pattern: &str, event: &str) -> bool {
    let parsed = Pattern::parse(pattern).unwrap_or_else(|e| unreachable!("{pattern}: {e}"));
    let rules = Rules::new([("r", parsed)]);
    let names = rules.matched(event).unwrap_or_else(|e| unreachable!("{event}: {e}"));
    names == ["r"]
}

/// Rows of a list for the field `f`, a value of `f` in the event, and whether they match.
fn table(rows: &[(&str, &str, bool)]) {
    for (list, value, wanted) in rows {
        let (pattern, event) = (format!("{{\"f\":{list}}}"), format!("{{\"f\":{value}}}"));
        assert_eq!(matches(&pattern, &event), *wanted, "{pattern} on {event}");
    }
}

#[test]
fn exact_values() {
    table(&[
        (r#"["a"]"#, r#""a""#, true),
        (r#"["a","b"]"#, r#""b""#, true),
        (r#"["a"]"#, r#""A""#, false),
        (r#"["a"]"#, r#"["x","a"]"#, true),
        (r#"["a"]"#, r#"[["x",["a"]]]"#, true),
        (r#"["a"]"#, "[]", false),
        (r#"[""]"#, r#""""#, true),
        (r#"[""]"#, "null", false),
        (r#"[""]"#, r#"" ""#, false),
        ("[null]", "null", true),
        ("[null]", r#""null""#, false),
        ("[true]", "true", true),
        ("[true]", "false", false),
        ("[false]", "false", true),
        ("[true]", r#""true""#, false),
        ("[300]", "300.0", true),
        ("[3.0e2]", "300", true),
        ("[300]", "3.0E+2", true),
        ("[300]", r#""300""#, false),
        (r#"["300"]"#, "300", false),
        ("[0]", "-0.0", true),
        ("[0.1]", "0.10000000000000000", true),
        ("[0.1]", "0.1000000000000000055511151231257827", false),
        ("[12345678901234567890123]", "12345678901234567890123", true),
        ("[12345678901234567890123]", "1.2345678901234567890123e22", false),
        (r#"["a\u00e9\"\\b"]"#, r#""aé\"\\b""#, true),
        (r#"["\u0061"]"#, r#""a""#, true),
        (r#"["\ud83d\ude00"]"#, r#""😀""#, true),
        (r#"[{"exactly":"a"}]"#, r#""a""#, true),
        (r#"[{"exactly":"10.0.0.1"}]"#, r#""10.0.0.01""#, false),
        (r#"["10.0.0.1"]"#, r#""10.0.0.01""#, true),
        (r#"["2001:db8::1"]"#, r#""2001:DB8:0:0:0:0:0:1""#, true),
    ]);
}

#[test]
fn beginnings_and_ends() {
    table(&[
        (r#"[{"prefix":"us-"}]"#, r#""us-east-1""#, true),
        (r#"[{"prefix":"us-"}]"#, r#""US-east-1""#, false),
        (r#"[{"prefix":"us-"}]"#, r#""us""#, false),
        (r#"[{"prefix":""}]"#, r#""""#, true),
        (r#"[{"prefix":""}]"#, "5", false),
        (r#"[{"prefix":"5"}]"#, "55", false),
        (r#"[{"prefix":"é"}]"#, r#""éa""#, true),
        (r#"[{"prefix":{"equals-ignore-case":"EventB"}}]"#, r#""eventbridge""#, true),
        (r#"[{"prefix":{"equals-ignore-case":"ß"}}]"#, r#""SStreet""#, true),
        (r#"[{"suffix":".png"}]"#, r#""a.png""#, true),
        (r#"[{"suffix":".png"}]"#, r#""a.PNG""#, false),
        (r#"[{"suffix":""}]"#, r#""x""#, true),
        (r#"[{"suffix":""}]"#, "null", false),
        (r#"[{"suffix":{"equals-ignore-case":".PNG"}}]"#, r#""a.png""#, true),
        (r#"[{"suffix":{"equals-ignore-case":"É"}}]"#, r#""caf\u00e9""#, true),
        (r#"[{"suffix":"s.png"}]"#, r#""png""#, false),
    ]);
}

#[test]
fn case() {
    table(&[
        (r#"[{"equals-ignore-case":"Alice"}]"#, r#""aLICE""#, true),
        (r#"[{"equals-ignore-case":"Alice"}]"#, r#""alice2""#, false),
        (r#"[{"equals-ignore-case":""}]"#, r#""""#, true),
        (r#"[{"equals-ignore-case":"null"}]"#, "null", false),
        (r#"[{"equals-ignore-case":"ÅNGSTRÖM"}]"#, r#""ångström""#, true),
    ]);
}

#[test]
fn anything_but() {
    table(&[
        (r#"[{"anything-but":"a"}]"#, r#""b""#, true),
        (r#"[{"anything-but":"a"}]"#, r#""a""#, false),
        (r#"[{"anything-but":"a"}]"#, r#"["a","b"]"#, true),
        (r#"[{"anything-but":"a"}]"#, "[]", false),
        (r#"[{"anything-but":"a"}]"#, "{}", false),
        (r#"[{"anything-but":"a"}]"#, "5", true),
        (r#"[{"anything-but":"a"}]"#, "null", true),
        (r#"[{"anything-but":"a"}]"#, "true", true),
        (r#"[{"anything-but":["a","b"]}]"#, r#""b""#, false),
        (r#"[{"anything-but":5}]"#, "5.0", false),
        (r#"[{"anything-but":5}]"#, r#""5""#, true),
        (r#"[{"anything-but":[5,6]}]"#, "60e-1", false),
        (r#"[{"anything-but":[5,6]}]"#, "7", true),
        (r#"[{"anything-but":{"prefix":"us-"}}]"#, r#""us-east-1""#, false),
        (r#"[{"anything-but":{"prefix":"us-"}}]"#, r#""eu""#, true),
        (r#"[{"anything-but":{"prefix":["us-","eu-"]}}]"#, r#""eu-west-1""#, false),
        (r#"[{"anything-but":{"suffix":".png"}}]"#, r#""a.png""#, false),
        (r#"[{"anything-but":{"suffix":[".png",".jpg"]}}]"#, r#""a.gif""#, true),
        (r#"[{"anything-but":{"equals-ignore-case":"X"}}]"#, r#""x""#, false),
        (r#"[{"anything-but":{"equals-ignore-case":["X","y"]}}]"#, r#""Y""#, false),
        (r#"[{"anything-but":{"wildcard":"*/lib/*"}}]"#, r#""/a/lib/b""#, false),
        (r#"[{"anything-but":{"wildcard":["*/lib/*","*/bin/*"]}}]"#, r#""/a/src/b""#, true),
        (r#"[{"anything-but":{"prefix":"us-"}}]"#, "5", true),
        (r#"[{"anything-but":"a"},"a"]"#, r#""a""#, true),
        (r#"[{"anything-but":"10.0.0.1"},{"cidr":"192.0.2.0/24"}]"#, r#""10.0.0.1""#, false),
    ]);
}

#[test]
fn long_lists_of_anything_but() {
    let list = |make: &dyn Fn(usize) -> String| (0..40).map(make).collect::<Vec<_>>().join(",");
    let texts = list(&|i| format!(r#""v{i}""#));
    let numbers = list(&|i| format!("{i}.50"));
    for (refused, inside, outside) in [
        (format!("[{texts}]"), r#""v39""#, r#""v40""#),
        (format!("[{numbers}]"), "39.5", "40"),
        (format!(r#"{{"prefix":[{texts}]}}"#), r#""v39x""#, r#""x""#),
        (format!(r#"{{"suffix":[{texts}]}}"#), r#""xv39""#, r#""v39x""#),
        (format!(r#"{{"equals-ignore-case":[{texts}]}}"#), r#""V39""#, r#""V40""#),
        (format!(r#"{{"wildcard":[{}]}}"#, list(&|i| format!(r#""*v{i}*""#))), r#""xv39x""#, r#""v""#),
    ] {
        table(&[
            (&format!(r#"[{{"anything-but":{refused}}}]"#), inside, false),
            (&format!(r#"[{{"anything-but":{refused}}}]"#), outside, true),
            (&format!(r#"[{{"anything-but":{refused}}}]"#), "null", true),
        ]);
    }
}

#[test]
fn numbers() {
    table(&[
        (r#"[{"numeric":["=",300]}]"#, "3.0e2", true),
        (r#"[{"numeric":["<",10]}]"#, "9.999999", true),
        (r#"[{"numeric":["<",10]}]"#, "10", false),
        (r#"[{"numeric":["<=",10]}]"#, "10.0", true),
        (r#"[{"numeric":[">",0,"<=",5]}]"#, "0", false),
        (r#"[{"numeric":[">",0,"<=",5]}]"#, "5", true),
        (r#"[{"numeric":[">=",-2.5,"<",5]}]"#, "-2.5", true),
        (r#"[{"numeric":[">",0]}]"#, "1e300", true),
        (r#"[{"numeric":[">",0]}]"#, r#""5""#, false),
        (r#"[{"numeric":[">=",0]}]"#, "-0.0", true),
        (r#"[{"numeric":[">",-1]}]"#, "true", false),
        (r#"[{"numeric":[">",0]}]"#, "9007199254740993", false),
        (r#"[{"numeric":[">",0]}]"#, "[-1,2]", true),
    ]);
}

#[test]
fn addresses() {
    table(&[
        (r#"[{"cidr":"10.0.0.0/24"}]"#, r#""10.0.0.255""#, true),
        (r#"[{"cidr":"10.0.0.0/24"}]"#, r#""10.0.1.0""#, false),
        (r#"[{"cidr":"10.0.0.77/24"}]"#, r#""10.0.0.1""#, true),
        (r#"[{"cidr":"0.0.0.0/0"}]"#, r#""1.2.3.4""#, true),
        (r#"[{"cidr":"0.0.0.0/0"}]"#, r#""::1""#, false),
        (r#"[{"cidr":"0.0.0.0/0"}]"#, r#""host""#, false),
        (r#"[{"cidr":"2001:db8::/32"}]"#, r#""2001:db8:ffff::1""#, true),
        (r#"[{"cidr":"2001:db8::/32"}]"#, r#""2001:db9::1""#, false),
        (r#"[{"cidr":"::/0"}]"#, r#""::1""#, true),
        (r#"[{"cidr":"10.0.0.0/8"}]"#, r#""10.0.0.1/32""#, false),
    ]);
}

#[test]
fn existence() {
    for (pattern, event, wanted) in [
        (r#"{"f":[{"exists":true}]}"#, r#"{"f":null}"#, true),
        (r#"{"f":[{"exists":true}]}"#, r#"{"f":{"a":1}}"#, false),
        (r#"{"f":[{"exists":true}]}"#, r#"{"f":[]}"#, false),
        (r#"{"f":[{"exists":true}]}"#, r#"{"f":[{"a":1}]}"#, false),
        (r#"{"f":[{"exists":true}]}"#, r#"{"f":[1]}"#, true),
        (r#"{"f":[{"exists":false}]}"#, r#"{"g":1}"#, true),
        (r#"{"f":[{"exists":false}]}"#, "{}", true),
        (r#"{"f":[{"exists":false}]}"#, r#"{"f":{"a":1}}"#, true),
        (r#"{"f":[{"exists":false}]}"#, r#"{"f":""}"#, false),
        (r#"{"f":[{"exists":false},"x"]}"#, r#"{"f":"x"}"#, true),
        (r#"{"f":[{"exists":false},"x"]}"#, r#"{"f":"y"}"#, false),
        (r#"{"f":[{"exists":false},"x"]}"#, "{}", true),
        (r#"{"a":["1"],"f":[{"exists":false}]}"#, r#"{"a":"1"}"#, true),
        (r#"{"a":["1"],"f":[{"exists":false}]}"#, r#"{"a":"1","f":0}"#, false),
        (r#"{"d":{"f":[{"exists":false}]}}"#, r#"{"d":"text"}"#, true),
    ] {
        assert_eq!(matches(pattern, event), wanted, "{pattern} on {event}");
    }
}

#[test]
fn wildcards() {
    table(&[
        (r#"[{"wildcard":"dir/*.png"}]"#, r#""dir/a/b.png""#, true),
        (r#"[{"wildcard":"dir/*.png"}]"#, r#""dir/.png""#, true),
        (r#"[{"wildcard":"dir/*.png"}]"#, r#""dir.png""#, false),
        (r#"[{"wildcard":"*"}]"#, r#""""#, true),
        (r#"[{"wildcard":"*"}]"#, "1", false),
        (r#"[{"wildcard":"a\\*b"}]"#, r#""a*b""#, true),
        (r#"[{"wildcard":"a\\*b"}]"#, r#""aXb""#, false),
        (r#"[{"wildcard":"a\\\\*"}]"#, r#""a\\b""#, true),
        (r#"[{"wildcard":"*a*a"}]"#, r#""a""#, false),
        (r#"[{"wildcard":"x*é*y"}]"#, r#""x--é--y""#, true),
        (r#"[{"wildcard":""}]"#, r#""""#, true),
    ]);
}

#[test]
fn nesting_dots_and_duplicates() {
    for (pattern, event, wanted) in [
        (r#"{"a":{"b":["x"]}}"#, r#"{"a":{"b":"x"}}"#, true),
        (r#"{"a.b":["x"]}"#, r#"{"a":{"b":"x"}}"#, true),
        (r#"{"a":{"b":["x"]}}"#, r#"{"a.b":"x"}"#, true),
        (r#"{"a":{"b.c":["x"]}}"#, r#"{"a.b":{"c":"x"}}"#, true),
        (r#"{"a":{"b":["x"]}}"#, r#"{"b":"x"}"#, false),
        (r#"{"a":["x"]}"#, r#"{"a":{"a":"x"}}"#, false),
        (r#"{"a":["x"],"a":["y"]}"#, r#"{"a":"x"}"#, false),
        (r#"{"a":["x"],"a":["y"]}"#, r#"{"a":"y"}"#, true),
        (r#"{"a":{"b":["x"]},"a.b":["y"]}"#, r#"{"a":{"b":"y"}}"#, true),
        (r#"{"a":["x"]}"#, r#"{"a":"x","a":"y"}"#, true),
        (r#"{"a":["y"]}"#, r#"{"a":"x","a":"y"}"#, true),
        (r#"{"a":["1"],"a":{"b":["2"]}}"#, r#"{"a":["1",{"b":"2"}]}"#, true),
        (r#"{"a":["1"],"a":{"b":["2"]}}"#, r#"{"a":"1"}"#, false),
        (r#"{"":["x"]}"#, r#"{"":"x"}"#, true),
        (r#"{"":{"":["x"]}}"#, r#"{"":{"":"x"}}"#, true),
        (r#"{"":{"":["x"]}}"#, r#"{"":"x"}"#, false),
        (r#"{"\u0061":["x"]}"#, r#"{"a":"x"}"#, true),
        (r#"{"a":["x"]}"#, r#"{"\u0061":"x"}"#, true),
        (r#"{"a":["x"]}"#, r#" {"z":[{},[[]],{"q":"\\\""}],"a":"x"} and what follows"#, true),
    ] {
        assert_eq!(matches(pattern, event), wanted, "{pattern} on {event}");
    }
}

#[test]
fn elements_of_arrays_agree() {
    let event = r#"{"e":[{"first":"John","last":"Doe"},{"first":"Anna","last":"Smith"},{"first":"Peter","last":"Jones"}],
        "x":[[{"k":1,"v":[{"w":1},{"w":2}]},{"k":2,"v":[{"w":3}]}],[{"k":3,"v":[{"w":4}]}]],"y":[{"p":1},{"q":2}],"s":["a","b"]}"#;
    for (pattern, wanted) in [
        (r#"{"e":{"first":["Anna"]}}"#, true),
        (r#"{"e":{"first":["Anna"],"last":["Smith"]}}"#, true),
        (r#"{"e":{"first":["Anna"],"last":["Jones"]}}"#, false),
        (r#"{"e":{"first":["Anna","Peter"],"last":["Jones","Doe"]}}"#, true),
        (r#"{"e":{"first":["Anna"]},"x":{"k":[2],"v":{"w":[3]}}}"#, true),
        (r#"{"x":{"k":[1],"v":{"w":[2]}}}"#, true),
        (r#"{"x":{"k":[1],"v":{"w":[3]}}}"#, false),
        (r#"{"x":{"k":[3],"v":{"w":[4]}}}"#, true),
        (r#"{"x":{"k":[2],"v":{"w":[4]}}}"#, false),
        (r#"{"s":["a"],"e":{"first":["John"]}}"#, true),
        // An absent field is judged beside the elements taken before it in the order of names.
        (r#"{"y":{"p":[1],"q":[{"exists":false}]}}"#, true),
        (r#"{"y":{"p":[{"exists":false}],"q":[2]}}"#, false),
        (r#"{"e":{"first":["Anna"],"last":[{"exists":false}]}}"#, false),
        (r#"{"e":{"first":["Anna"],"middle":[{"exists":false}]}}"#, true),
        (r#"{"e":{"first":["Anna"],"last":[{"anything-but":"Smith"}]}}"#, false),
    ] {
        assert_eq!(matches(pattern, event), wanted, "{pattern}");
    }
}

#[test]
fn or() {
    for (pattern, event, wanted) in [
        (r#"{"$or":[{"a":[1]},{"b":[2]}]}"#, r#"{"b":2}"#, true),
        (r#"{"$or":[{"a":[1]},{"b":[2]}]}"#, r#"{"b":3}"#, false),
        (r#"{"s":["x"],"$or":[{"a":[1]},{"b":[2]}]}"#, r#"{"s":"y","b":2}"#, false),
        (r#"{"$or":[{"a":[1]},{"b":[2]}],"s":["x"]}"#, r#"{"s":"y","b":2}"#, false),
        (r#"{"$or":[{"a":[1]},{"b":[2]}],"s":["x"]}"#, r#"{"s":"x","a":1}"#, true),
        (r#"{"d":{"$or":[{"a":[1]},{"b":[2]}]}}"#, r#"{"d":{"a":1}}"#, true),
        (r#"{"$or":[{"a":[1],"$or":[{"b":[1]},{"c":[1]}]},{"d":[1]}]}"#, r#"{"a":1,"c":1}"#, true),
        (r#"{"$or":[{"a":[1],"$or":[{"b":[1]},{"c":[1]}]},{"d":[1]}]}"#, r#"{"a":1}"#, false),
        (r#"{"$or":[{"a":[1]},{"b":[2]}],"d":{"$or":[{"e":[1]},{"f":[2]}]}}"#, r#"{"a":1,"d":{"f":2}}"#, true),
        (r#"{"a":[1],"$or":[{"a":[2]},{"b":[3]}]}"#, r#"{"a":2}"#, true),
        // An ordinary field of this name.
        (r#"{"$or":{"a":["x"]}}"#, r#"{"$or":{"a":"x"}}"#, true),
        (r#"{"$or":["x"]}"#, r#"{"$or":"x"}"#, true),
        (r#"{"$or":[{"prefix":"x"},{"suffix":"y"}]}"#, r#"{"$or":"xa"}"#, true),
        (r#"{"$or":[{"numeric":["=",1]},{"prefix":"x"}]}"#, r#"{"$or":1}"#, true),
    ] {
        assert_eq!(matches(pattern, event), wanted, "{pattern} on {event}");
    }
}

#[test]
fn what_is_refused_and_why() {
    for (pattern, reason) in [
        ("[]", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        (r#"{"a":{}}"#, "Empty objects are not allowed"),
        (r#"{"a":[]}"#, "Empty arrays are not allowed"),
        (r#"{"a":1}"#, "\"a\" must be an object or an array"),
        (r#"{"a":"x"}"#, "\"a\" must be an object or an array"),
        (r#"{"a":[["x"]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"a":[{}]}"#, "Match expression name not found"),
        (r#"{"a":[{"like":"x"}]}"#, "Unrecognized match type like"),
        (r#"{"a":[{"prefix":1}]}"#, "prefix match pattern must be a string"),
        (r#"{"a":[{"prefix":"x","suffix":"y"}]}"#, "Only one key allowed in match expression"),
        (r#"{"a":[{"prefix":{}}]}"#, "Prefix expression name not found"),
        (r#"{"a":[{"suffix":{"x":"y"}}]}"#, "Unsupported suffix pattern: x"),
        (r#"{"a":[{"suffix":{"equals-ignore-case":1}}]}"#, "equals-ignore-case match pattern must be a string"),
        (r#"{"a":[{"exists":"x"}]}"#, "exists match pattern must be either true or false."),
        (r#"{"a":[{"wildcard":"a**b"}]}"#, "Consecutive wildcard characters at pos 2"),
        (r#"{"a":[{"wildcard":"a\\b"}]}"#, "Invalid escape character at pos 2"),
        (r#"{"a":[{"wildcard":["a"]}]}"#, "wildcard match pattern must be a string"),
        (r#"{"a":[{"cidr":"10.0.0.0"}]}"#, "Malformed CIDR, one '/' required"),
        (r#"{"a":[{"cidr":"10.0.0.0/x"}]}"#, "Malformed CIDR, mask bits must be an integer"),
        (r#"{"a":[{"cidr":"10.0.0.0/-1"}]}"#, "Malformed CIDR, mask bits must not be negative"),
        (r#"{"a":[{"cidr":"10.0.0.0/32"}]}"#, "IPv4 mask bits must be < 32"),
        (r#"{"a":[{"cidr":"::/128"}]}"#, "IPv6 mask bits must be < 128"),
        (r#"{"a":[{"cidr":"host/8"}]}"#, "Nonstandard IP address: host"),
        (r#"{"a":[{"numeric":5}]}"#, "Value of numeric must be an array."),
        (r#"{"a":[{"numeric":[]}]}"#, "Invalid member in numeric match: ]"),
        (r#"{"a":[{"numeric":[5]}]}"#, "Invalid member in numeric match: 5"),
        (r#"{"a":[{"numeric":["!",5]}]}"#, "Unrecognized numeric range operator: !"),
        (r#"{"a":[{"numeric":["<","5"]}]}"#, "Value of < must be numeric"),
        (r#"{"a":[{"numeric":["="]}]}"#, "Value of equals must be numeric"),
        (r#"{"a":[{"numeric":["<",5,">",1]}]}"#, "Too many elements in numeric expression"),
        (r#"{"a":[{"numeric":[">",5,"<",5]}]}"#, "Bottom must be less than top"),
        (r#"{"a":[{"numeric":[">",1,">",5]}]}"#, "Bad numeric range operator: >"),
        (r#"{"a":[{"numeric":[">",1,2]}]}"#, "Bad value in numeric range: 2"),
        (r#"{"a":[{"numeric":[">",1,"<",5,"<",6]}]}"#, "Too many terms in numeric range expression"),
        (r#"{"a":[{"numeric":["=",12345678901234567890123]}]}"#, "Cannot compare number : 12345678901234567890123"),
        (r#"{"a":[{"anything-but":null}]}"#, "Value of anything-but must be an array or single string/number value."),
        (
            r#"{"a":[{"anything-but":[]}]}"#,
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
        (
            r#"{"a":[{"anything-but":["x",1]}]}"#,
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
        (r#"{"a":[{"anything-but":[true]}]}"#, "Inside anything but list, start|null|boolean is not supported."),
        (r#"{"a":[{"anything-but":{"cidr":"10.0.0.0/8"}}]}"#, "Unsupported anything-but pattern: cidr"),
        (r#"{"a":[{"anything-but":{"prefix":""}}]}"#, "Null prefix/suffix not allowed"),
        (r#"{"a":[{"anything-but":{"prefix":[1]}}]}"#, "prefix/suffix match pattern must be a string"),
        (r#"{"a":[{"anything-but":{"wildcard":"**"}}]}"#, "Consecutive wildcard characters at pos 1"),
        (r#"{"$or":[]}"#, "There must have at least 2 Objects in $or relationship."),
        (r#"{"$or":[{"a":[1]}]}"#, "There must have at least 2 Objects in $or relationship."),
        (r#"{"$or":[{"a":[1]},1]}"#, "Only JSON object is allowed in array of $or relationship."),
    ] {
        let error = Pattern::parse(pattern).unwrap_err();
        assert_eq!(error.reason, reason, "{pattern}");
        assert!(error.to_string().starts_with("Event pattern is not valid. Reason: "), "{error}");
    }
    let error = Pattern::parse("{\n  \"é\": [ {\"prefix\": 1} ]\n}").unwrap_err();
    assert_eq!((error.line, error.column), (2, 21));
    for text in ["", "{", "{\"a\":[1}", "{'a':[1]}", "{\"a\":[01]}", "{\"a\":[1],}", "nonsense"] {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
}

#[test]
fn names_come_in_the_rules_order_and_patterns_of_a_name_are_alternatives() {
    let rules =
        [("b", r#"{"x":[1]}"#), ("a", r#"{"y":[2]}"#), ("b", r#"{"y":[2]}"#), ("c", r#"{"z":[{"exists":false}]}"#)];
    let rules = Rules::new(rules.map(|(name, p)| (name, Pattern::parse(p).unwrap())));
    assert_eq!(rules.names().collect::<Vec<_>>(), ["b", "a", "c"]);
    let mut scanner = rules.scanner();
    for (event, wanted) in [
        (r#"{"y":2}"#, vec!["b", "a", "c"]),
        (r#"{"x":1,"z":0}"#, vec!["b"]),
        ("{}", vec!["c"]),
        (r#"{"x":1,"y":2,"z":3}"#, vec!["b", "a"]),
    ] {
        assert_eq!(rules.matched(event).unwrap(), wanted, "{event}");
        let places = scanner.matched(event).unwrap().to_vec();
        let names: Vec<&str> = places.iter().map(|p| rules.names().nth(*p as usize).unwrap()).collect();
        assert_eq!(names, wanted, "{event} by a scanner that is used again");
    }
}

#[test]
fn events_that_are_none() {
    let rules = Rules::new([("r", Pattern::parse(r#"{"a":{"b":[1]}}"#).unwrap())]);
    for event in
        ["", "[]", "1", "{", r#"{"a"}"#, r#"{"a":{"b":01}}"#, "{\"z\":\"a\nb\"}", r#"{"z":[1,]}"#, r#"{"a":tru}"#]
    {
        assert!(rules.matched(event).is_err(), "{event}");
    }
}

#[test]
fn what_is_huge_is_bounded() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    assert!(Pattern::parse(&deep).is_err());
    let rules = Rules::new([("r", Pattern::parse(r#"{"a":{"b":[1]}}"#).unwrap())]);
    assert!(rules.matched(&deep).is_err());
    let arrays = format!(r#"{{"a":{}{{"b":1}}{}}}"#, "[".repeat(990), "]".repeat(990));
    assert_eq!(rules.matched(&arrays).unwrap(), ["r"]);
    // Ten thousand wildcards in one text, and a value that nearly satisfies them.
    let stars = format!(r#"{{"a":[{{"wildcard":"{}b"}}]}}"#, "a*".repeat(10_000));
    let rules = Rules::new([("r", Pattern::parse(&stars).unwrap())]);
    let event = format!(r#"{{"a":"{}"}}"#, "a".repeat(100_000));
    assert!(rules.matched(&event).unwrap().is_empty());
    // $or that multiplies.
    let mut or = String::from("{");
    for i in 0..20 {
        or.push_str(&format!(r#""$or":[{{"a{i}":[1]}},{{"b{i}":[1]}}],"#));
    }
    or.push_str(r#""z":[1]}"#);
    assert!(Pattern::parse(&or).unwrap_err().reason.contains("1000"));
    // Arrays that do not depend on each other do not multiply.
    let list = (0..200).map(|i| format!(r#"{{"v":{i},"w":{i}}}"#)).collect::<Vec<_>>().join(",");
    let event = format!("{{{}}}", (0..12).map(|i| format!(r#""a{i}":[{list}]"#)).collect::<Vec<_>>().join(","));
    let asks = |last: &str| {
        let fields = (0..12).map(|i| format!(r#""a{i}":{{"v":[{{"exists":true}}],"w":[{{"numeric":[">",3]}}]}}"#));
        format!("{{{},{last}}}", fields.collect::<Vec<_>>().join(","))
    };
    assert!(matches(&asks(r#""a0":{"v":[1],"w":[1]}"#), &event));
    assert!(!matches(&asks(r#""a0":{"v":[1],"w":[2]}"#), &event));
}

#[test]
fn lines() {
    use yagura_detect::pattern::{check_line, match_line};
    for (line, answer) in [
        (
            r#"{"id":7,"rules":{"r":[{"a":[1]},{"b":[2]}],"s":[{"a":[9]}]},"event":{"b":2.0}}"#,
            r#"{"id":7,"matched":["r"]}"#,
        ),
        (r#"{"id":"x","rules":{"r":["{\"a\":[1]}"]},"event":"{\"a\":1,\"a\":2}"}"#, r#"{"id":"x","matched":["r"]}"#),
        (
            r#"{"id":{"n":1},"rules":{"z":[{"a":[1]}],"a":[{"a":[1]}]},"event":{"a":1}}"#,
            r#"{"id":{"n":1},"matched":["z","a"]}"#,
        ),
        (r#"{"id":1,"rules":{},"event":{}}"#, r#"{"id":1,"matched":[]}"#),
        (r#"{"id":1.50,"event":{}}"#, r#"{"id":1.50,"error":"`rules` is missing"}"#),
        (r#"{"rules":{}}"#, r#"{"id":null,"error":"`event` is missing"}"#),
        (r#"{"id":1,"rules":{"r":[{"a":[1]}]},"event":[]}"#, r#"{"id":1,"error":"an event must be a JSON object"}"#),
    ] {
        assert_eq!(match_line(line), answer, "{line}");
    }
    let wrong = match_line(r#"{"id":2,"rules":{"r":[{"a":[]}]},"event":{}}"#);
    assert!(
        wrong.starts_with(r#"{"id":2,"error":"rule `r`: Event pattern is not valid. Reason: Empty arrays"#),
        "{wrong}"
    );
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(900), "]".repeat(900));
    assert_eq!(
        match_line(&format!(r#"{{"id":4,"rules":{{"r":{{"b":[1]}}}},"event":{deep}}}"#)),
        r#"{"id":4,"matched":[]}"#
    );
    assert!(match_line(r#"{"id":5,"rules":{},"event":{}} {}"#).contains("more follows"));
    assert!(match_line("nonsense").starts_with(r#"{"id":null,"error":"the line is not JSON"#));
    assert_eq!(check_line(r#"{"id":3,"pattern":{"a":["x"]}}"#), r#"{"id":3,"error":null}"#);
    assert_eq!(check_line(r#"{"id":3,"pattern":"{\"a\":[\"x\"]}"}"#), r#"{"id":3,"error":null}"#);
    assert!(check_line(r#"{"id":3,"pattern":"{\"a\":1}"}"#).contains("must be an object or an array"));
    assert!(check_line(r#"{"id":3,"pattern":5}"#).contains("Filter is not an object"));
    assert_eq!(check_line(r#"{"id":3}"#), r#"{"id":3,"error":"`pattern` is missing"}"#);
}
