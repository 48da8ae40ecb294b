using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.Configuration;

public sealed class InClusterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("account-").FullName;
    private readonly Dictionary<string, string> _variables = new()
    {
        ["KUBERNETES_SERVICE_HOST"] = "10.96.0.1",
        ["KUBERNETES_SERVICE_PORT"] = "443",
    };

    public InClusterTests()
    {
        File.WriteAllText(Path.Combine(_folder, "token"), "abc");
        File.WriteAllText(Path.Combine(_folder, "ca.crt"), TestCertificates.Create("ca").Certificate);
        File.WriteAllText(Path.Combine(_folder, "namespace"), "mine\n");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("10.96.0.1", "https://10.96.0.1/")]
    [InlineData("fd00::1", "https://[fd00::1]/")]
    public async Task A_pods_own_account_is_found(string host, string expected)
    {
        _variables["KUBERNETES_SERVICE_HOST"] = host;

        var configuration = Load();

        configuration.Host.AbsoluteUri.ShouldBe(expected);
        configuration.Namespace.ShouldBe("mine");
        configuration.Authorities!.Count.ShouldBe(1);
        (await configuration.Token!.GetAsync(TestContext.Current.CancellationToken)).ShouldBe("abc");
    }

    [Fact]
    public void What_is_missing_is_named()
    {
        _variables["KUBERNETES_SERVICE_PORT"] = "no";
        Should.Throw<ConfigurationException>(Load).Message.ShouldBe("KUBERNETES_SERVICE_PORT: \"no\" is not a port");
        _variables.Remove("KUBERNETES_SERVICE_PORT");
        Should.Throw<ConfigurationException>(Load).Message.ShouldStartWith("not in a pod");
        _variables["KUBERNETES_SERVICE_PORT"] = "443";
        File.WriteAllText(Path.Combine(_folder, "ca.crt"), "no certificate");
        Should.Throw<ConfigurationException>(Load).Message.ShouldBe($"{_folder}/ca.crt: it holds no certificate");
        File.Delete(Path.Combine(_folder, "ca.crt"));
        Should.Throw<ConfigurationException>(Load).Message.ShouldStartWith($"{_folder}/ca.crt: ");
        File.Delete(Path.Combine(_folder, "token"));
        Should.Throw<ConfigurationException>(Load).Message.ShouldStartWith($"{_folder}/token is missing");
    }

    private KubernetesClientConfiguration Load() =>
        InCluster.Load(_folder, name => _variables.GetValueOrDefault(name), TimeProvider.System);
}
