//! The data key at hand: out of the key file that `YAGURA_KEY` names, unwrapped by a passphrase or by AWS KMS.

use crate::commands::live;
use crate::content;
use crate::failure::Failure;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use yagura_aws::{CallError, Session};
use yagura_model::{GapReason, Lang, Map, Value};
use yagura_seal::{DataKey, KeyFile, SealError, Wrap};

/// The data key, where `YAGURA_KEY` names a key file. It is unwrapped once a process.
///
/// # Errors
/// The file is none, its passphrase is not given or wrong, or AWS KMS does not decrypt it: a sentence.
pub fn at_hand() -> Result<Option<DataKey>, Failure> {
    static KEY: OnceLock<DataKey> = OnceLock::new();
    if let Some(key) = KEY.get() {
        return Ok(Some(key.clone()));
    }
    let Some(path) = std::env::var_os("YAGURA_KEY").filter(|p| !p.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    let key = open(&path)?;
    Ok(Some(KEY.get_or_init(|| key).clone()))
}

fn open(path: &Path) -> Result<DataKey, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Failure::usage(format!("the key file {shown}: {e}"), format!("キーファイル {shown}: {e}")))?;
    let file = KeyFile::parse(&text).map_err(|e| failure(path, &e))?;
    match file.wrapped() {
        Wrap::Passphrase { .. } => file.open(&passphrase()?).map_err(|e| failure(path, &e)),
        Wrap::Kms { arn, key } => {
            let mut input = Map::new();
            input.insert("CiphertextBlob", Value::text(key.clone()));
            input.insert("KeyId", Value::text(arn.clone()));
            input.insert("EncryptionContext", context());
            let answer = ask("kms:Decrypt", arn, input)?;
            let plaintext = answer.get("Plaintext").and_then(Value::as_str).unwrap_or_default();
            file.decrypted(plaintext).map_err(|e| failure(path, &e))
        }
    }
}

/// A new data key that AWS KMS made, and its key file.
pub(super) fn from_kms(arn: &str) -> Result<(DataKey, KeyFile), Failure> {
    let mut input = Map::new();
    input.insert("KeyId", Value::text(arn));
    input.insert("KeySpec", Value::text("AES_256"));
    input.insert("EncryptionContext", context());
    let answer = ask("kms:GenerateDataKey", arn, input)?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    // The ARN of the key itself, also where an alias was named: the alias may be given to another key later.
    let key = DataKey::of(text("Plaintext"));
    let key = key.map_err(|e| Failure::blind(format!("AWS KMS: {e}"), format!("AWS KMS: {e}")))?;
    let file = KeyFile::with_kms(&key, text("KeyId"), text("CiphertextBlob"));
    Ok((key, file))
}

/// What CloudTrail's record of each use shows, and a policy may require (AWS KMS Developer Guide, "Encryption context").
fn context() -> Value {
    let mut map = Map::new();
    map.insert("purpose", Value::text("yagura-seal"));
    Value::Map(map)
}

/// Asks AWS KMS in the Region of the key. On a thread of its own: it is also asked for where calls already run.
fn ask(call: &'static str, arn: &str, input: Map) -> Result<Map, Failure> {
    let region = arn.split(':').nth(3).filter(|r| !r.is_empty()).map(str::to_owned);
    let work = move || -> Result<Map, Failure> {
        let facts = content::facts()?;
        let operation = facts.own_operation(call).map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
        live::runtime()?.block_on(async {
            let options = live::options(None, None, None, Lang::En)?;
            let session = Session::connect(options, content::facts()?).await.map_err(|e| live::connect_failure(&e))?;
            let region = region.unwrap_or_else(|| session.default_region().to_string());
            let answer = session.change(&operation, &region, &input).await.map_err(|e| refused(call, &e))?;
            Ok(answer.as_map().cloned().unwrap_or_default())
        })
    };
    let done = std::thread::spawn(work).join();
    done.unwrap_or_else(|_| Err(Failure::blind(format!("{call} was cut off"), format!("{call} が中断された"))))
}

fn refused(call: &str, e: &CallError) -> Failure {
    let failure = Failure::blind(
        format!("AWS KMS gives no data key: {call}: {}: {}", e.code, e.message),
        format!("AWS KMS からデータキーを得られない: {call}: {}: {}", e.code, e.message),
    );
    if !matches!(e.reason, GapReason::AccessDenied | GapReason::DeniedByOrganization) {
        return failure;
    }
    failure.hint(
        format!("the caller needs {call} on the KMS key, by its key policy or an IAM policy"),
        format!("呼び出し元に、KMS キーに対する {call} をキーポリシーまたは IAM ポリシーで許可する"),
    )
}

/// The passphrase: the first line of the file that `YAGURA_PASSPHRASE_FILE` names, else `YAGURA_PASSPHRASE`.
pub(super) fn passphrase() -> Result<String, Failure> {
    if let Some(path) = std::env::var_os("YAGURA_PASSPHRASE_FILE").filter(|p| !p.is_empty()) {
        let shown = Path::new(&path).display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|e| {
            Failure::usage(format!("the passphrase file {shown}: {e}"), format!("パスフレーズファイル {shown}: {e}"))
        })?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    std::env::var("YAGURA_PASSPHRASE").ok().filter(|p| !p.is_empty()).ok_or_else(|| {
        Failure::usage("no passphrase is given", "パスフレーズが指定されていない").hint(
            "name a file with it in YAGURA_PASSPHRASE_FILE, or give it in YAGURA_PASSPHRASE",
            "YAGURA_PASSPHRASE_FILE でファイルを指定するか、YAGURA_PASSPHRASE に設定する",
        )
    })
}

/// What is wrong with a key file or a sealed one.
pub(super) fn failure(path: &Path, e: &SealError) -> Failure {
    let shown = path.display();
    let ja = match e {
        SealError::NoKeyFile(why) => format!("{shown} はキーファイルではない: {why}"),
        SealError::WrongPassphrase => format!("{shown}: パスフレーズが違う"),
        SealError::OtherKey { found, wanted } => {
            format!("{shown} はキー {found} で暗号化されており、キー {wanted} では開けない")
        }
        SealError::Damaged(_) => format!("{shown} は暗号化されたファイルではないか、暗号化後に変更・切断されている"),
        SealError::NoRandomness => "システムから乱数を得られない".to_owned(),
    };
    let en = match e {
        SealError::WrongPassphrase => format!("{shown}: {e}"),
        other => format!("{shown} {other}"),
    };
    Failure::usage(en, ja)
}
