/** Names of files that are taken for media where a folder is read; a file that is named itself is always taken. */
export const MEDIA_FILE_NAME =
  /\.(?:3g2|3gp|aac|ac3|aif|aiff|asf|avi|flac|flv|m2ts|m4a|m4v|mka|mkv|mov|mp3|mp4|mpeg|mpg|mts|mxf|oga|ogg|ogv|opus|ts|vob|wav|webm|wma|wmv)$/i;
