using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace OnCache.Kubernetes.Configuration;

/// <summary>From kubeconfig files to what a client needs, with one clear line for everything that cannot be used.</summary>
internal sealed class KubeconfigResolver(bool allowInsecure, TimeProvider time)
{
    public KubernetesClientConfiguration Resolve(Kubeconfig kubeconfig, string? contextName)
    {
        var (source, content) = kubeconfig;
        contextName ??= content.CurrentContext;
        if (string.IsNullOrEmpty(contextName))
        {
            throw new ConfigurationException($"{source}: current-context is not set and no context was named");
        }

        var context = content.Contexts.FirstOrDefault(candidate => candidate.Name == contextName)
            ?? throw new ConfigurationException(
                $"{source}: no context \"{contextName}\"; there are: {Names(content.Contexts.Select(candidate => candidate.Name))}");
        var cluster = content.Clusters.FirstOrDefault(candidate => candidate.Name == (context.Cluster ?? ""))
            ?? throw new ConfigurationException($"{source}: context \"{contextName}\": no cluster \"{context.Cluster}\"");
        var user = content.Users.FirstOrDefault(candidate => candidate.Name == (context.User ?? ""));
        if (user is null && !string.IsNullOrEmpty(context.User))
        {
            throw new ConfigurationException($"{source}: context \"{contextName}\": no user \"{context.User}\"");
        }

        var configuration = ResolveCluster(cluster, $"{source}: cluster \"{cluster.Name}\"");
        configuration = user is null ? configuration : ResolveUser(configuration, user, $"{source}: user \"{user.Name}\"");
        return string.IsNullOrEmpty(context.Namespace) ? configuration : configuration with { Namespace = context.Namespace };
    }

    private KubernetesClientConfiguration ResolveUser(KubernetesClientConfiguration configuration, NamedUser user, string place)
    {
        var refused = user switch
        {
            { HasExec: true } => "exec: credential plugins are not run; use a token, tokenFile or client certificate",
            { HasAuthProvider: true } => "auth-provider: not supported; use a token, tokenFile or client certificate",
            { Username: not null } => "username: basic authentication is gone; use a token, tokenFile or client certificate",
            { Impersonate: not null } => "as: impersonation is not supported",
            _ => null,
        };
        if (refused is not null)
        {
            throw new ConfigurationException($"{place}: {refused}");
        }

        var certificate = ReadPem(user.ClientCertificateData, user.ClientCertificate, user.Folder, $"{place}: client-certificate");
        var key = ReadPem(user.ClientKeyData, user.ClientKey, user.Folder, $"{place}: client-key");
        if (certificate is null != key is null)
        {
            throw new ConfigurationException($"{place}: client-certificate and client-key go together, one of them is missing");
        }

        ITokenSource? token = user switch
        {
            { TokenFile: { Length: > 0 } file } => new TokenFile(Path.Combine(user.Folder, file), time),
            { Token: { Length: > 0 } text } => new StaticToken(text),
            _ => null,
        };
        return configuration with { Token = token, ClientCertificate = certificate is null ? null : Pair(certificate, key!, place) };
    }

    private static X509Certificate2 Pair(string certificate, string key, string place)
    {
        try
        {
            return X509Certificate2.CreateFromPem(certificate, key);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new ConfigurationException($"{place}: client-certificate and client-key: {exception.Message}", exception);
        }
    }

    private static string? ReadPem(string? data, string? file, string folder, string place)
    {
        try
        {
            // As everywhere in Kubernetes, data given inline wins over a file.
            return !string.IsNullOrEmpty(data) ? Encoding.UTF8.GetString(Convert.FromBase64String(data))
                : !string.IsNullOrEmpty(file) ? File.ReadAllText(Path.Combine(folder, file))
                : null;
        }
        catch (FormatException exception)
        {
            throw new ConfigurationException($"{place}-data: not base64", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{place}: {exception.Message}", exception);
        }
    }

    private static string Names(IEnumerable<string?> names) => string.Join(", ", names);

    private KubernetesClientConfiguration ResolveCluster(NamedCluster cluster, string place)
    {
        if (!Uri.TryCreate(cluster.Server, UriKind.Absolute, out var server)
            || (server.Scheme != Uri.UriSchemeHttps && server.Scheme != Uri.UriSchemeHttp))
        {
            throw new ConfigurationException($"{place}: server: \"{cluster.Server}\" is not an address such as https://10.0.0.1:6443");
        }

        if (!string.IsNullOrEmpty(cluster.ProxyUrl))
        {
            throw new ConfigurationException($"{place}: proxy-url: proxies are not supported");
        }

        if (!allowInsecure && server.Scheme == Uri.UriSchemeHttp)
        {
            throw new ConfigurationException(
                $"{place}: server: \"{server}\" is not encrypted; use https, or allow insecure connections explicitly");
        }

        if (!allowInsecure && cluster.InsecureSkipTlsVerify)
        {
            throw new ConfigurationException(
                $"{place}: insecure-skip-tls-verify: anyone could pose as the server; "
                + "give certificate-authority, or allow insecure connections explicitly");
        }

        return new KubernetesClientConfiguration(server)
        {
            SkipTlsVerify = cluster.InsecureSkipTlsVerify,
            TlsServerName = cluster.TlsServerName,
            Authorities = ReadPem(
                cluster.CertificateAuthorityData,
                cluster.CertificateAuthority,
                cluster.Folder,
                $"{place}: certificate-authority") is { } pem ? Authorities(pem, place) : null,
        };
    }

    private static X509Certificate2Collection Authorities(string pem, string place)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(pem);
        }
        catch (CryptographicException exception)
        {
            throw new ConfigurationException($"{place}: certificate-authority: {exception.Message}", exception);
        }

        return authorities.Count > 0
            ? authorities
            : throw new ConfigurationException($"{place}: certificate-authority: it holds no PEM certificate");
    }
}
