using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;
using k8s.Exceptions;
using k8s.KubeConfigModels;
using Context = k8s.KubeConfigModels.Context;

namespace OnCache.Kubernetes.Configuration;

/// <summary>
/// From kubeconfig files to the library's configuration, with one clear line for everything that cannot be used, and for what the library
/// would pass by without a word: impersonation, a proxy, half of a certificate.
/// </summary>
internal sealed class KubeconfigResolver(Kubeconfig kubeconfig, bool allowInsecure)
{
    public KubernetesClientConfiguration Resolve(string? contextName)
    {
        var source = kubeconfig.Source;
        contextName ??= kubeconfig.CurrentContext;
        if (string.IsNullOrEmpty(contextName))
        {
            throw new ConfigurationException($"{source}: current-context is not set and no context was named");
        }

        var context = kubeconfig.Contexts.FirstOrDefault(candidate => candidate.Name == contextName)?.ContextDetails
            ?? throw new ConfigurationException(
                $"{source}: no context \"{contextName}\"; there are: {string.Join(", ", kubeconfig.Contexts.Select(static candidate => candidate.Name))}");
        var cluster = kubeconfig.Clusters.FirstOrDefault(candidate => candidate.Name == (context.Cluster ?? ""))
            ?? throw new ConfigurationException($"{source}: context \"{contextName}\": no cluster \"{context.Cluster}\"");
        var user = kubeconfig.Users.FirstOrDefault(candidate => candidate.Name == (context.User ?? ""));
        if (user is null && !string.IsNullOrEmpty(context.User))
        {
            throw new ConfigurationException($"{source}: context \"{contextName}\": no user \"{context.User}\"");
        }

        Check(cluster, $"{source}: cluster \"{cluster.Name}\"");
        if (user is not null)
        {
            Check(user, $"{source}: user \"{user.Name}\"");
        }

        var configuration = Build(cluster, user, $"{source}: user \"{user?.Name}\"");
        configuration.SslCaCerts = Authorities(cluster.Endpoint, $"{source}: cluster \"{cluster.Name}\": certificate-authority");
        configuration.Namespace = string.IsNullOrEmpty(context.Namespace) ? ClusterAccess.DefaultNamespace : context.Namespace;
        return configuration;
    }

    private static KubernetesClientConfiguration Build(KubeconfigCluster cluster, KubeconfigUser? user, string place)
    {
        try
        {
            var program = user?.Credentials.ExternalExecution is { } written ? CredentialProgram.Prepare(written) : null;
            var configuration = KubernetesClientConfiguration.BuildConfigFromConfigObject(Chosen(cluster, user, program));
            if (user is not null)
            {
                Identify(configuration, user, program);
            }

            // The library reads certificate and key when a client is made: here, so that what is wrong is said with its place.
            using var trial = new k8s.Kubernetes(configuration);
            return configuration;
        }
        catch (KubeConfigException exception)
        {
            throw new ConfigurationException(
                $"{place}: {(user?.Credentials.ExternalExecution is null ? "" : "exec: ")}{Problem.FirstLine(exception)}", exception);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{place}: client-certificate and client-key: {exception.Message}", exception);
        }
    }

    // Alone: the library compares names without regard to case. Authorities, certificates and token files are added later, and a user who has
    // nothing else is none to it.
    private static K8SConfiguration Chosen(KubeconfigCluster cluster, KubeconfigUser? user, ExternalExecution? program)
    {
        const string Name = "chosen";
        var credentials = new UserCredentials { Token = user?.Credentials.Token, ExternalExecution = program };
        var known = program is not null || !string.IsNullOrWhiteSpace(credentials.Token);
        return new K8SConfiguration
        {
            CurrentContext = Name,
            Contexts = [new Context { Name = Name, ContextDetails = new ContextDetails { Cluster = Name, User = known ? Name : null } }],
            Clusters =
            [
                new Cluster
                {
                    Name = Name,
                    ClusterEndpoint = new ClusterEndpoint
                    {
                        Server = cluster.Endpoint.Server,
                        SkipTlsVerify = cluster.Endpoint.SkipTlsVerify,
                        TlsServerName = cluster.Endpoint.TlsServerName,
                    },
                },
            ],
            Users = known ? [new User { Name = Name, UserCredentials = credentials }] : [],
        };
    }

    private static void Identify(KubernetesClientConfiguration configuration, KubeconfigUser user, ExternalExecution? program)
    {
        var credentials = user.Credentials;
        // As everywhere in Kubernetes, data given inline wins over a file, of certificate and key each; with the library the file does.
        if (string.IsNullOrEmpty(configuration.ClientCertificateData))
        {
            configuration.ClientCertificateData = credentials.ClientCertificateData;
            configuration.ClientCertificateFilePath = string.IsNullOrEmpty(credentials.ClientCertificateData) ? credentials.ClientCertificate : null;
            configuration.ClientCertificateKeyData = credentials.ClientKeyData;
            configuration.ClientKeyFilePath = string.IsNullOrEmpty(credentials.ClientKeyData) ? credentials.ClientKey : null;
        }

        // The library has set one where the program gave a token, and not a certificate.
        if (program is not null && configuration.TokenProvider is not null)
        {
            configuration.TokenProvider = RenewableToken.Program(program);
        }
        else if (user.TokenFile is { } file)
        {
            configuration.TokenProvider = RenewableToken.File(file);
        }
    }

    private static void Check(KubeconfigUser user, string place)
    {
        var credentials = user.Credentials;
        var hasCertificate = !string.IsNullOrWhiteSpace(credentials.ClientCertificateData + credentials.ClientCertificate);
        var hasKey = !string.IsNullOrWhiteSpace(credentials.ClientKeyData + credentials.ClientKey);
        var isImpersonated = user.IsImpersonated || credentials.Impersonate is not null || credentials.ImpersonateGroups?.Any() == true;
        var refused = credentials switch
        {
            { AuthProvider: not null } => "auth-provider: not supported; use exec, a token, tokenFile or client certificate",
            { UserName: not null } => "username: basic authentication is gone; use exec, a token, tokenFile or client certificate",
            _ when isImpersonated => "as: impersonation is not supported",
            { ClientCertificateData: { } data } when !Base64.IsValid(data) => "client-certificate-data: not base64",
            { ClientKeyData: { } data } when !Base64.IsValid(data) => "client-key-data: not base64",
            _ when hasCertificate != hasKey => "client-certificate and client-key go together, one of them is missing",
            { ExternalExecution.Command: null or "" } => "exec: command: it is missing",
            { ExternalExecution.ApiVersion: null or "" } => "exec: apiVersion: it is missing; client.authentication.k8s.io/v1 is usual",
            { ExternalExecution.ProvideClusterInfo: true } => "exec: provideClusterInfo: not supported",
            _ => null,
        };
        if (refused is not null)
        {
            throw new ConfigurationException($"{place}: {refused}");
        }
    }

    private void Check(KubeconfigCluster cluster, string place)
    {
        var endpoint = cluster.Endpoint;
        if (!Uri.TryCreate(endpoint.Server, UriKind.Absolute, out var server)
            || (server.Scheme != Uri.UriSchemeHttps && server.Scheme != Uri.UriSchemeHttp))
        {
            throw new ConfigurationException($"{place}: server: \"{endpoint.Server}\" is not an address such as https://10.0.0.1:6443");
        }

        if (cluster.Proxy is not null)
        {
            throw new ConfigurationException($"{place}: proxy-url: proxies are not supported");
        }

        if (!allowInsecure && server.Scheme == Uri.UriSchemeHttp)
        {
            throw new ConfigurationException(
                $"{place}: server: \"{server}\" is not encrypted; use https, or allow insecure connections explicitly");
        }

        if (!allowInsecure && endpoint.SkipTlsVerify)
        {
            throw new ConfigurationException(
                $"{place}: insecure-skip-tls-verify: anyone could pose as the server; "
                + "give certificate-authority, or allow insecure connections explicitly");
        }
    }

    // All of them: while a cluster's authority is replaced, the old and the new one are given. The library takes the first.
    private static X509Certificate2Collection? Authorities(ClusterEndpoint cluster, string place)
    {
        try
        {
            var pem = !string.IsNullOrEmpty(cluster.CertificateAuthorityData) ? Encoding.UTF8.GetString(Convert.FromBase64String(cluster.CertificateAuthorityData))
                : !string.IsNullOrEmpty(cluster.CertificateAuthority) ? File.ReadAllText(cluster.CertificateAuthority)
                : null;
            if (pem is null)
            {
                return null;
            }

            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(pem);
            return authorities.Count > 0 ? authorities : throw new ConfigurationException($"{place}: it holds no PEM certificate");
        }
        catch (FormatException exception)
        {
            throw new ConfigurationException($"{place}-data: not base64", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ConfigurationException($"{place}: {exception.Message}", exception);
        }
    }
}
