namespace OnCache.Api;

/// <summary>The forms Kubernetes accepts for names, label keys and label values.</summary>
public static class KubernetesName
{
    /// <summary>Whether the text is a DNS label (RFC 1123): namespaces.</summary>
    public static bool IsLabel(string text) =>
        text.Length is > 0 and <= 63
        && text[0] != '-'
        && text[^1] != '-'
        && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    /// <summary>Whether the text is a DNS subdomain (RFC 1123): nodes, pods and policies.</summary>
    public static bool IsSubdomain(string text) => text.Length is > 0 and <= 253 && text.Split('.').All(IsLabel);

    /// <summary>Whether the text can be a label's key: a name of at most 63 characters, with an optional subdomain and slash before it.</summary>
    public static bool IsLabelKey(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash < 0
            ? IsQualified(text)
            : IsSubdomain(text[..slash]) && IsQualified(text[(slash + 1)..]);
    }

    /// <summary>Whether the text can be a label's value.</summary>
    public static bool IsLabelValue(string text) => text.Length == 0 || IsQualified(text);

    private static bool IsQualified(string text) =>
        text.Length is > 0 and <= 63
        && char.IsAsciiLetterOrDigit(text[0])
        && char.IsAsciiLetterOrDigit(text[^1])
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
