//! Why a file is not valid, in words.

use crate::{Trouble, TroubleKind};
use jiff::Timestamp;
use yagura_model::Lang;

/// Why a file is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is not there, and this digest names it.
    NotFound(String),
    /// It is not there: by the clock a digest that ends then was due.
    Overdue(Timestamp),
    /// It is no gzip file, or a broken one.
    NotGzip,
    /// It ends before its end.
    Truncated,
    /// Something follows the end of the compressed stream.
    Trailing,
    /// It unpacks to more than a file of its kind can hold.
    TooLarge,
    /// It is no JSON of a digest's form.
    Format(String),
    /// Its hash is not the one that this digest has of it.
    HashDiffers(String),
    /// A digest that was delivered as this key and lies elsewhere now.
    Moved(String),
    /// Its metadata has no signature.
    Unsigned,
    /// Its signature does not verify.
    Signature,
    /// AWS has no public key of this fingerprint.
    NoPublicKey(String),
    /// It is signed, but is not the digest that this newer one was chained to.
    NotChained(String),
    /// It is signed, but no newer digest leads to it.
    NotReached,
    /// No trustworthy digest names it.
    NotNamed(Unnamed),
    /// CloudTrail writes no such key.
    NotCloudTrail,
    /// Reading was denied; with the IAM action and what AWS said.
    Denied(String, String),
    /// It could not be read; with what was said.
    Unread(String),
    /// The public keys could not be read; with what was said.
    NoKeys(String),
    /// It is signed or hashed in a way that is not known here.
    Algorithm(String),
    /// It lies in this bucket, which was not read.
    OtherBucket(String),
}

/// What is known of a log file's time, where no digest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unnamed {
    /// A digest of that time is not trustworthy or not there.
    DigestLost,
    /// A digest of that time could not be read: it may name it.
    DigestUnread,
    /// Before the first digest, or between two chains: validation was off, or the digests were taken away together.
    NoDigest,
    /// After the newest digest.
    AfterLast,
    /// The digests of its time are whole.
    Added,
}

impl Why {
    /// What a store's trouble says of a file that is there.
    pub(super) fn of_trouble(trouble: &Trouble, permission: &str) -> Self {
        match &trouble.kind {
            TroubleKind::Denied(action) => {
                Self::Denied(action.clone().unwrap_or_else(|| permission.to_owned()), trouble.detail.clone())
            }
            _ => Self::Unread(trouble.detail.clone()),
        }
    }

    /// The sentence.
    pub fn say(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.english(),
            Lang::Ja => self.japanese(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::NotFound(by) => format!("not found, though {by} names it"),
            Self::Overdue(end) => format!("not found: a digest that ends at {end} was due by the clock"),
            Self::NotGzip => "invalid format: not a whole gzip file".to_owned(),
            Self::Truncated => "invalid format: the gzip file is cut off".to_owned(),
            Self::Trailing => "invalid format: data after the end of the compressed stream".to_owned(),
            Self::TooLarge => "invalid format: it unpacks to more than such a file can hold".to_owned(),
            Self::Format(what) => format!("invalid format: {what}"),
            Self::HashDiffers(by) => format!("hash differs from the one in {by}"),
            Self::Moved(from) => format!("moved from its original location {from}"),
            Self::Unsigned => "no signature in its metadata".to_owned(),
            Self::Signature => "signature does not verify".to_owned(),
            Self::NoPublicKey(print) => format!("no public key of AWS has its fingerprint {print}"),
            Self::NotChained(by) => format!("not the digest that {by} names as the one before it"),
            Self::NotReached => "signed, but no newer digest of the chain leads to it".to_owned(),
            Self::NotNamed(Unnamed::DigestLost) => {
                "no valid digest names it: that of its time is missing or invalid".to_owned()
            }
            Self::NotNamed(Unnamed::DigestUnread) => "not judged: the digest of its time could not be read".to_owned(),
            Self::NotNamed(Unnamed::NoDigest) => "no digest names it: there is none of its time".to_owned(),
            Self::NotNamed(Unnamed::AfterLast) => {
                "no digest names it: it was delivered after the newest digest that is there".to_owned()
            }
            Self::NotNamed(Unnamed::Added) => "no digest names it: it was not delivered by this trail".to_owned(),
            Self::NotCloudTrail => "no digest names it, and CloudTrail delivers no such key".to_owned(),
            Self::Denied(action, said) => format!("not read: access denied, {action} is missing ({said})"),
            Self::Unread(said) => format!("not read: {said}"),
            Self::NoKeys(said) => format!("not judged: the public keys could not be read: {said}"),
            Self::Algorithm(name) => format!("not judged: unknown algorithm {name}"),
            Self::OtherBucket(bucket) => format!("not read: it lies in the bucket {bucket}"),
        }
    }

    fn japanese(&self) -> String {
        match self {
            Self::NotFound(by) => format!("存在しない（{by} に記載がある）"),
            Self::Overdue(end) => format!("存在しない（{end} に終わるダイジェストが時刻上あるはずである）"),
            Self::NotGzip => "形式が不正: 完全な gzip ファイルではない".to_owned(),
            Self::Truncated => "形式が不正: gzip ファイルが途中で切れている".to_owned(),
            Self::Trailing => "形式が不正: 圧縮ストリームの終わりの後にデータがある".to_owned(),
            Self::TooLarge => "形式が不正: 展開するとこの種のファイルの上限を超える".to_owned(),
            Self::Format(what) => format!("形式が不正: {what}"),
            Self::HashDiffers(by) => format!("ハッシュ値が {by} の記載と一致しない"),
            Self::Moved(from) => format!("元の場所 {from} から移動されている"),
            Self::Unsigned => "メタデータに署名がない".to_owned(),
            Self::Signature => "署名を検証できない".to_owned(),
            Self::NoPublicKey(print) => format!("フィンガープリント {print} の AWS 公開鍵がない"),
            Self::NotChained(by) => format!("{by} が前のダイジェストとして記録したものではない"),
            Self::NotReached => "署名は正しいが、チェーン上の新しいダイジェストから辿れない".to_owned(),
            Self::NotNamed(Unnamed::DigestLost) => {
                "有効なダイジェストに記載がない（該当時刻のダイジェストが存在しないか無効）".to_owned()
            }
            Self::NotNamed(Unnamed::DigestUnread) => {
                "判定できない: 該当時刻のダイジェストを読み取れなかった".to_owned()
            }
            Self::NotNamed(Unnamed::NoDigest) => "ダイジェストに記載がない（該当時刻のダイジェストがない）".to_owned(),
            Self::NotNamed(Unnamed::AfterLast) => {
                "ダイジェストに記載がない（残っている最新のダイジェストより後に配信された）".to_owned()
            }
            Self::NotNamed(Unnamed::Added) => "ダイジェストに記載がない（この証跡が配信したものではない）".to_owned(),
            Self::NotCloudTrail => "ダイジェストに記載がなく、CloudTrail が使うキーでもない".to_owned(),
            Self::Denied(action, said) => format!("読み取れない: アクセス拒否。{action} が許可されていない（{said}）"),
            Self::Unread(said) => format!("読み取れない: {said}"),
            Self::NoKeys(said) => format!("判定できない: 公開鍵を取得できない: {said}"),
            Self::Algorithm(name) => format!("判定できない: 未知のアルゴリズム {name}"),
            Self::OtherBucket(bucket) => format!("読み取れない: バケット {bucket} にある"),
        }
    }
}
