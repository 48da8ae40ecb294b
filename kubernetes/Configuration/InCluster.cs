using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OnCache.Kubernetes.Configuration;

/// <summary>The configuration Kubernetes gives every pod: two variables and a folder.</summary>
internal static class InCluster
{
    private const string HostVariable = "KUBERNETES_SERVICE_HOST";
    private const string PortVariable = "KUBERNETES_SERVICE_PORT";

    public static bool IsInCluster(Func<string, string?> variable) => !string.IsNullOrEmpty(variable(HostVariable));

    public static KubernetesClientConfiguration Load(string folder, Func<string, string?> variable, TimeProvider time)
    {
        var host = variable(HostVariable);
        var port = variable(PortVariable);
        if (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(port))
        {
            throw new ConfigurationException($"not in a pod: {HostVariable} and {PortVariable} are not both set");
        }

        if (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > 65535)
        {
            throw new ConfigurationException($"{PortVariable}: \"{port}\" is not a port");
        }

        var token = Path.Combine(folder, "token");
        if (!File.Exists(token))
        {
            throw new ConfigurationException($"{token} is missing: does the pod have automountServiceAccountToken: false?");
        }

        var home = Path.Combine(folder, "namespace");
        return new KubernetesClientConfiguration(new UriBuilder(Uri.UriSchemeHttps, host, number).Uri)
        {
            Authorities = ReadAuthorities(Path.Combine(folder, "ca.crt")),
            Token = new TokenFile(token, time),
            Namespace = File.Exists(home) ? File.ReadAllText(home).Trim() : "default",
        };
    }

    private static X509Certificate2Collection ReadAuthorities(string path)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(path);
            return authorities.Count > 0 ? authorities : throw new ConfigurationException($"{path}: it holds no certificate");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ConfigurationException($"{path}: {exception.Message}", exception);
        }
    }
}
