//! Client configurations with real values, as they are to be pasted: path style, because a bucket in the host name
//! needs DNS.

use std::fmt::Write;

/// What the recipes are filled with.
#[derive(Clone, Debug)]
pub(crate) struct Ingredients<'a> {
    /// `http` or `https`.
    pub(crate) scheme: &'a str,
    /// Host and port.
    pub(crate) authority: &'a str,
    /// The region to sign for.
    pub(crate) region: &'a str,
    /// The key's id.
    pub(crate) access_key: &'a str,
    /// Its secret.
    pub(crate) secret_key: &'a str,
    /// A bucket.
    pub(crate) bucket: &'a str,
    /// A Zarr dataset in it.
    pub(crate) dataset: &'a str,
}

/// One recipe: for what, and the text between.
struct Recipe {
    title: &'static str,
    text: String,
    try_it: String,
}

/// All of them, for reading and pasting.
pub(crate) fn all(with: &Ingredients<'_>) -> String {
    let mut page = String::new();
    for Recipe { title, text, try_it } in [s3cmd(with), rclone(with), mc(with), aws(with), python(with)] {
        let _ = write!(page, "# {title}\n\n{text}\n");
        if !try_it.is_empty() {
            let _ = write!(page, "\n# then: {try_it}\n");
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn s3cmd(with: &Ingredients<'_>) -> Recipe {
    let Ingredients { scheme, authority, region, access_key, secret_key, bucket, .. } = with;
    let use_https = if *scheme == "https" { "True" } else { "False" };
    Recipe {
        title: "s3cmd: ~/.s3cfg",
        text: format!(
            "[default]\naccess_key = {access_key}\nsecret_key = {secret_key}\nhost_base = {authority}\n\
             host_bucket = {authority}\nbucket_location = {region}\nuse_https = {use_https}"
        ),
        try_it: format!("s3cmd ls s3://{bucket}/"),
    }
}

fn rclone(with: &Ingredients<'_>) -> Recipe {
    let Ingredients { scheme, authority, region, access_key, secret_key, bucket, .. } = with;
    Recipe {
        title: "rclone: ~/.config/rclone/rclone.conf",
        text: format!(
            "[commonhold]\ntype = s3\nprovider = Other\naccess_key_id = {access_key}\n\
             secret_access_key = {secret_key}\nendpoint = {scheme}://{authority}\nregion = {region}\n\
             force_path_style = true"
        ),
        try_it: format!("rclone ls commonhold:{bucket}"),
    }
}

fn mc(with: &Ingredients<'_>) -> Recipe {
    let Ingredients { scheme, authority, access_key, secret_key, bucket, .. } = with;
    Recipe {
        title: "mc",
        text: format!("mc alias set commonhold {scheme}://{authority} {access_key} {secret_key} --api S3v4 --path on"),
        try_it: format!("mc ls --recursive commonhold/{bucket}"),
    }
}

fn aws(with: &Ingredients<'_>) -> Recipe {
    let Ingredients { scheme, authority, region, access_key, secret_key, bucket, .. } = with;
    Recipe {
        title: "AWS CLI, boto3, and whatever else reads these variables",
        text: format!(
            "export AWS_ACCESS_KEY_ID={access_key}\nexport AWS_SECRET_ACCESS_KEY={secret_key}\n\
             export AWS_DEFAULT_REGION={region}\nexport AWS_ENDPOINT_URL={scheme}://{authority}"
        ),
        try_it: format!("aws s3 ls s3://{bucket}/ --recursive"),
    }
}

fn python(with: &Ingredients<'_>) -> Recipe {
    let Ingredients { scheme, authority, access_key, secret_key, bucket, dataset, .. } = with;
    Recipe {
        title: "Python: pip install xarray zarr s3fs",
        text: format!(
            "import xarray\n\n\
             dataset = xarray.open_zarr(\n    \
                 \"s3://{bucket}/{dataset}\",\n    \
                 storage_options={{\n        \
                     \"key\": \"{access_key}\",\n        \
                     \"secret\": \"{secret_key}\",\n        \
                     \"client_kwargs\": {{\"endpoint_url\": \"{scheme}://{authority}\"}},\n    \
                 }},\n\
             )\n\
             print(dataset)"
        ),
        try_it: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_has_the_real_values() {
        let with = Ingredients {
            scheme: "https",
            authority: "localhost:9443",
            region: "r",
            access_key: "the-id",
            secret_key: "the-secret",
            bucket: "b",
            dataset: "d.zarr",
        };
        for recipe in [s3cmd(&with), rclone(&with), mc(&with), aws(&with), python(&with)] {
            for part in ["the-id", "the-secret", "localhost:9443"] {
                assert!(recipe.text.contains(part), "{part} is not in {}", recipe.text);
            }
        }
        assert!(s3cmd(&with).text.contains("use_https = True"));
    }
}
